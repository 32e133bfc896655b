import { describe, expect, it } from "vitest";
import { ConditionRule, type EngineCondition } from "./condition.ts";

/** R refused, S sick, M missed, G good probe; r refused, f failed, a aborted, s succeeded request; a digit lets that many seconds pass. */
function after(steps: string): EngineCondition {
  const rule = new ConditionRule();
  let nowMs = 0;
  for (const step of steps) {
    if (step === "R") rule.probed("refused", nowMs);
    else if (step === "S") rule.probed("sick", nowMs);
    else if (step === "M") rule.probed("missed", nowMs);
    else if (step === "G") rule.probed("good", nowMs);
    else if (step === "r") rule.requestFailed("connect", nowMs);
    else if (step === "f") rule.requestFailed("reset", nowMs);
    else if (step === "a") rule.requestFailed("aborted", nowMs);
    else if (step === "s") rule.requestSucceeded(nowMs);
    else nowMs += Number(step) * 1000;
  }
  return rule.condition;
}

describe("an engine is", () => {
  it.each<[string, EngineCondition]>([
    ["", "dead"],
    ["G", "live"],
    // One bad look alone never ejects, and slow ones never do.
    ["GM", "suspect"],
    ["GS", "suspect"],
    ["GR", "suspect"],
    ["GMMMMMMMM", "suspect"],
    ["GMG", "live"],
    // Two refusals in a row, from probes or requests.
    ["GRR", "dead"],
    ["GRr", "dead"],
    ["Grr", "dead"],
    ["GRGR", "suspect"],
    ["GSSS", "dead"],
    ["GSSGS", "suspect"],
    ["GSSsS", "suspect"],
    // Requests.
    ["Gf", "suspect"],
    ["GfG", "suspect"],
    ["Gfs", "live"],
    ["GfGfGf", "dead"],
    ["Gffsff", "suspect"],
    ["Gaaaaa", "live"],
    // A failed request makes missed probes count.
    ["GfM", "suspect"],
    ["GfMM", "dead"],
    ["GMMf", "dead"],
    // Good again at once after a restart.
    ["GRRG", "live"],
    ["GRRs", "dead"],
    // Dead by requests while it says it is well: out for a while, longer each time.
    ["GfffG", "dead"],
    ["Gfff1G", "live"],
    ["Gfff1GfffG", "dead"],
    ["Gfff1Gfff1G", "live"],
    ["Gfff1Gfff1Gfff1G", "dead"],
    ["Gfff1Gfff1GsfffG1G", "live"],
    // A process that was gone in between is a new one.
    ["GfffRG", "live"],
  ])("after %j %s", (steps, expected) => {
    expect(after(steps)).toBe(expected);
  });
});

it("another look is urgent while a death is in the air", () => {
  const rule = new ConditionRule();
  expect(rule.isUrgent).toBe(true);
  rule.probed("good", 0);
  expect(rule.isUrgent).toBe(false);
  rule.probed("missed", 0);
  expect(rule.isUrgent).toBe(false);
  rule.requestFailed("idle-timeout", 0);
  expect(rule.isUrgent).toBe(true);
});
