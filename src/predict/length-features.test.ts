import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { testSeed } from "../../test/seed.ts";
import { HISTORY_NAMES, readHistory } from "./length-features-history.ts";
import { countText, repetitionOf } from "./length-features-text.ts";
import { lengthNumberNames, readLengthNumbers } from "./length-features.ts";
import type { StageFacts, StageText } from "./port.ts";

const FACTS: StageFacts = {
  workflowId: "w",
  kind: "coder",
  role: "actor",
  stage: 2,
  pool: "chimera",
  promptTokens: 900,
  systemTokens: 100,
  userTokens: 300,
  outputTokensMax: null,
  expectedOutputTokens: null,
  callsLeft: null,
  producedTokens: [100, 300],
  text: null,
};

function numbersOf(facts: StageFacts): ReadonlyMap<string, number> {
  const names = lengthNumberNames("default");
  const into = new Float32Array(names.length);
  readLengthNumbers(facts, "default", into);
  return new Map(names.map((name, index) => [name, into[index] ?? Number.NaN]));
}

describe("counts of a text", () => {
  test("are those of patterns", () => {
    const patterns = {
      newlines: /\n/g,
      digits: /[0-9]/g,
      numbers: /[0-9]+/g,
      words: /[a-z0-9_\u0080-\uffff]+/gi,
      dollars: /\$/g,
      backslashes: /\\/g,
      sentences: /[.?!](?=[ \n\t])/g,
      marks: /[+\-*/=<>^()[\]{}]/g,
    };
    const characters = fc.constantFrom(...Array.from("ab1 9\n.?$\\=({é字\t"));
    fc.assert(
      fc.property(fc.string({ unit: characters, maxLength: 60 }), (text) => {
        const counts = countText(text);
        expect(counts.characters).toBe(text.length);
        for (const [name, pattern] of Object.entries(patterns)) {
          expect([name, Object.entries(counts).find(([key]) => key === name)?.[1]]).toEqual([
            name,
            text.match(pattern)?.length ?? 0,
          ]);
        }
      }),
      { seed: testSeed },
    );
  });
});

describe("repetition", () => {
  test("is 1 for equal texts, 0 for unrelated ones, and the share of common runs of four words between", () => {
    expect(repetitionOf("a b c d e", "A b, c d e")).toBe(1);
    expect(repetitionOf("a b c d e", "f g h i j")).toBe(0);
    expect(repetitionOf("a b c d e", "a b c d f")).toBeCloseTo(1 / 3);
    expect(repetitionOf("yes", "yes ")).toBe(1);
    expect(repetitionOf("yes", "no")).toBe(0);
  });
});

describe("history", () => {
  const recent: StageText["recent"] = [
    { role: "assistant", content: "<execute>\nprint(1)\n</execute>" },
    {
      role: "user",
      content:
        "Traceback: NameError\nYou have 3 steps left and 2 chances to propose solution left.",
    },
    { role: "critic", content: "This is BAD. Use another variable." },
    { role: "assistant", content: "The answer: <solution> 4 </solution>" },
    {
      role: "user",
      content:
        "Your answer is wrong.\nYou have 2 steps left and 1 chances to propose solution left.",
    },
  ];

  test("tells what happened to the agent", () => {
    expect(readHistory(recent)).toMatchObject({
      ownCount: 2,
      ownLast: 36,
      ownMax: 36,
      ownMin: 29,
      hasAnswer: 1,
      hasAction: 0,
      hasNeither: 0,
      answerCount: 1,
      isWrong: 1,
      isError: 0,
      errorCount: 1,
      wrongCount: 1,
      stepsLeft: 2,
      chancesLeft: 1,
      verdict: 0,
      verdictCharacters: 34,
      badVerdictCount: 1,
    });
  });

  test("reads a verdict inside a message of the environment too", () => {
    const content = "Observation: 4\n\nExpert feedback:\nThis is GOOD. Submit it.";
    const history = readHistory([...recent, { role: "user", content }]);
    expect(history).toMatchObject({ verdict: 1, badVerdictCount: 1 });
  });

  test("has nothing but counts before anything has happened", () => {
    const history = readHistory([]);
    expect(Object.keys(history).toSorted()).toEqual([...HISTORY_NAMES].toSorted());
    for (const value of Object.values(history))
      expect(Number.isNaN(value) || value === 0).toBe(true);
  });

  test("is bounded for long conversations", () => {
    const long = "x ".repeat(500_000);
    const history = readHistory(
      Array.from({ length: 200 }, () => ({ role: "user", content: long })),
    );
    expect(history.observationCharacters).toBe(16_384);
  });
});

test.each(["1", "\n", " ", ". ", "<", "a", "not "])(
  "a message of nothing but %j is read",
  (unit) => {
    const content = unit.repeat(40_000);
    const roles = ["assistant", "user", "assistant"];
    const history = readHistory(roles.map((role) => ({ role, content })));
    expect(history).toMatchObject({ ownCount: 2, repetition: 1, stepsLeft: Number.NaN });
  },
);

describe("numbers of a stage", () => {
  test("are missing where no text is kept", () => {
    const numbers = numbersOf(FACTS);
    expect(numbers.get("producedSum")).toBe(400);
    expect(numbers.get("producedAtCap")).toBe(1);
    expect(numbers.get("task.characters")).toBeNaN();
    expect(numbers.get("history.ownCount")).toBeNaN();
  });

  test("an output at the stated limit counts as cut", () => {
    expect(numbersOf({ ...FACTS, outputTokensMax: 300 }).get("producedAtCap")).toBe(1);
    expect(numbersOf({ ...FACTS, outputTokensMax: 3000 }).get("producedAtCap")).toBe(0);
  });

  test("are never infinite", () => {
    const text = { system: "", user: "task", recent: [{ role: "assistant", content: "abc" }] };
    const numbers = numbersOf({ ...FACTS, producedTokens: [0], text });
    for (const [name, value] of numbers)
      expect([name, Math.abs(value)]).not.toEqual([name, Infinity]);
  });
});
