import { describe, expect, it } from "vitest";
import { boxedOf, isRightAnswer, normalAnswer } from "../../examples/workflows/math-answer.ts";

describe("an answer of mathematics", () => {
  it.each([
    ["so it is \\boxed{84}.", "84", true],
    ["first \\boxed{3}, no: \\boxed{\\frac{1}{6}}", "1/6", true],
    ["\\boxed{\\dfrac{2}{12}}", "1/6", true],
    ["\\boxed{2.50}", "5/2", true],
    ["\\boxed{$1,200$}", "1200", true],
    ["\\boxed{12\\text{ minutes}}", "12", true],
    ["without a box: 7, then 84.", "84", true],
    ["\\boxed{85}", "84", false],
    ["\\boxed{84", "84", true],
    ["no number at all", "84", false],
    ["\\boxed{-84}", "84", false],
    ["\\boxed{1/0}", "1", false],
  ])("%j against %s is right: %s", (text, answer, isRight) => {
    expect(isRightAnswer(text, answer)).toBe(isRight);
  });

  it("counts the braces of a box", () => {
    expect(boxedOf("\\boxed{\\frac{1}{\\sqrt{2}}} and more")).toBe("\\frac{1}{\\sqrt{2}}");
  });

  it("has one spelling for equal numbers", () => {
    expect(new Set(["0.5", "1/2", "2/4", "\\frac{1}{2}", "50/100"].map(normalAnswer)).size).toBe(1);
  });
});
