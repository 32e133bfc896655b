import { expect, test } from "vitest";
import { commonStart, PROMPT_NUMBERS, promptNumbers, promptTextOf } from "./router-features.ts";

function textOf(system: string, user: string): string | null {
  return promptTextOf({ system, user, recent: [{ role: "user", content: "later" }] });
}

test("a prompt's text is system and task, cut, or null where there is none", () => {
  expect(textOf("Be brief.", "Hi")).toBe("Be brief.\nHi");
  expect(textOf("", " Hi ")).toBe("Hi");
  expect(textOf("", "")).toBeNull();
  expect(promptTextOf(null)).toBeNull();
  expect(textOf("s".repeat(1e6), "u".repeat(1e6))?.length).toBeLessThan(40_000);
});

test("numbers of a prompt count what their names say", () => {
  const text = "Which is 2^10?\nA. 1,024\nB. $20\n(C) \\frac{1}{2} é";
  const numbers = new Map(promptNumbers(text).map((value, at) => [PROMPT_NUMBERS[at], value]));
  const counts = Object.fromEntries(
    ["choices", "foreign", "newlines", "dollars", "backslashes", "operators", "brackets"].map(
      (name) => [name, numbers.get(name)],
    ),
  );
  expect(counts).toEqual({
    choices: 3,
    foreign: 1,
    newlines: 3,
    dollars: 1,
    backslashes: 1,
    operators: 1,
    brackets: 6,
  });
  expect(numbers.get("digits")).toBeCloseTo(11 / text.length);
  expect(numbers.get("numbers.log")).toBeCloseTo(Math.log1p(7));
  expect(promptNumbers("")).toEqual(PROMPT_NUMBERS.map(() => 0));
});

test("texts begin alike as far as they do", () => {
  expect(commonStart("template: a", "template: b")).toBe(10);
  expect(commonStart("same", "same and more")).toBe(4);
  expect(commonStart("", "x")).toBe(0);
});
