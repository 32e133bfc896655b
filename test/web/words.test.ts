import { describe, expect, test } from "vitest";
import { AUTO } from "../../src/core/policies.ts";
import type { Candidate, Decision, Rule } from "../../src/core/types.ts";
import type { View } from "../../src/core/view.ts";
import { textIn } from "../../web/src/chat-stream.ts";
import { explain, RULE_NAMES, verdictOf } from "../../src/observe/explanation.ts";
import { LoadHistory } from "../../web/src/load-history.ts";
import { medianOf, ratioSeries } from "../../web/src/ratio-series.ts";
import { segmentsOf, spanOf } from "../../web/src/stage-segments.ts";
import {
  formatAge,
  formatCount,
  formatShare,
  formatSpan,
} from "../../src/observe/number-format.ts";

function candidate(engine: string, value: number, parts: Partial<Candidate> = {}): Candidate {
  return {
    engine,
    model: `model-${engine}`,
    confidence: 0.5,
    remainingTokens: 100,
    inFlightTokens: 0,
    waiting: 0,
    running: 0,
    waitMs: 500,
    ownMs: 1500,
    delayMs: 0,
    bonus: 0,
    value,
    excluded: null,
    ...parts,
  };
}

const CANDIDATES = [
  candidate("a", 0.4),
  candidate("b", 0.3),
  candidate("c", 0.9, { excluded: "slack" }),
];

function decision(rule: Rule, parts: Partial<Decision> = {}): Decision {
  return {
    requestId: "r",
    workflowId: "w",
    stage: 0,
    timeMs: 0,
    choice: "auto",
    rule,
    engine: "a",
    model: "model-a",
    confidence: 0.5,
    remainingTokens: 100,
    stageTokens: 40,
    estimateSource: "cold-start",
    prediction: "not-asked",
    movedFrom: null,
    price: 0.2,
    slack: null,
    minGain: 0.1,
    unloadedMs: 1000,
    candidates: CANDIDATES,
    ...parts,
  };
}

describe("an explanation", () => {
  test.each(Object.keys(RULE_NAMES))("of %s names the engine or its model", (name) => {
    const rule = Object.keys(RULE_NAMES).find((each): each is Rule => each === name);
    expect(rule === undefined ? "" : explain(decision(rule))).toMatch(/\ba\b|model-a/);
  });

  test("by price tells the best of the others that were not left out", () => {
    expect(explain(decision("price"))).toContain("Next is b, 0.100 behind.");
    expect(explain(decision("price", { candidates: CANDIDATES.slice(0, 1) }))).not.toContain(
      "Next",
    );
  });

  test("tells where the request was before, and where the numbers come from", () => {
    const told = explain(decision("sticky-model", { movedFrom: "z", prediction: "late" }));
    expect(told).toContain("queued on z before");
    expect(told).toContain("too late");
  });

  test("says of each candidate what became of it", () => {
    const verdicts = CANDIDATES.map((each) => verdictOf(each, decision("price")));
    expect(verdicts).toEqual(["chosen", "less value", "too slow: 2.0 s"]);
  });
});

describe("numbers", () => {
  test.each([
    [null, "–"],
    [0, "0 ms"],
    [999.4, "999 ms"],
    [999.6, "1.0 s"],
    [59_960, "1 min 0 s"],
    [3_600_000, "1 h 0 min"],
  ])("a span of %s ms is %s", (ms, text) => expect(formatSpan(ms)).toBe(text));

  test("counts are exact up to ten thousand", () => {
    expect([0, 9999, 12_345, 2e6, null].map(formatCount)).toEqual([
      "0",
      "9,999",
      "12.3k",
      "2M",
      "–",
    ]);
  });

  test("ages and shares", () => {
    expect([null, -5, 61_000, 7_200_000].map(formatAge)).toEqual([
      "now",
      "0 s ago",
      "1 min ago",
      "2 h ago",
    ]);
    expect(formatShare(0.456)).toBe("46 %");
  });
});

test("a history keeps two minutes, and only of engines that are there", () => {
  const engine = {
    name: "a",
    model: "m",
    state: "live",
    maxSequences: 4,
    waiting: 0,
    running: 0,
    inFlightTokens: 0,
    queuedTokens: 0,
    heldTokens: 0,
    promotions: 0,
    profileMsPerToken: 10,
    profileBatch: 1,
  } as const;
  const view: View = {
    engines: [engine],
    queuedByClass: { system: 0, interactive: 0, default: 0, bulk: 0 },
    requests: 0,
    stranded: 0,
    workflows: 0,
    policy: AUTO,
  };
  const history = new LoadHistory();
  for (let second = 0; second <= 200; second++) {
    history.add(second, { ...view, engines: [{ ...engine, running: second }] });
  }
  const [seconds, running, waiting] = history.seriesOf("a");
  expect([seconds[0], seconds.length, running.at(-1), waiting.length]).toEqual([80, 121, 200, 121]);
  history.add(201, { ...view, engines: [] });
  expect(history.seriesOf("a")).toEqual([[], [], []]);
});

describe("a piece of an answer", () => {
  test("is the text that the event adds", () => {
    expect(textIn(`{"choices":[{"delta":{"content":"He"}}]}`)).toBe("He");
    expect(textIn(`{"choices":[{"delta":{"role":"assistant"}}]}`)).toBe("");
    expect(textIn(`{"choices":[],"usage":{}}`)).toBe("");
    expect(textIn("[DONE]")).toBe("");
  });

  test("that is an error is thrown with its own words", () => {
    expect(() => textIn(`{"error":{"message":"It broke."}}`)).toThrow("It broke.");
  });
});

describe("a timeline", () => {
  const done = { arrivedMs: 100, dispatchedMs: 110, firstTokenMs: 130, endedMs: 200 };

  test("goes from the first arrival to the last end", () => {
    expect(spanOf([done, { ...done, arrivedMs: 250, endedMs: 300 }], 999)).toEqual([100, 300]);
    expect(spanOf([done, { ...done, endedMs: null }], 999)).toEqual([100, 999]);
    expect(spanOf([], 5)).toEqual([5, 5]);
  });

  test("has the parts of a stage in shares of it", () => {
    expect(segmentsOf(done, [100, 300])).toEqual([
      { part: "wait", from: 0, share: 0.05 },
      { part: "first", from: 0.05, share: 0.1 },
      { part: "write", from: 0.15, share: 0.35 },
    ]);
  });

  test("of what goes on ends now, and shows no part that has not begun", () => {
    const running = { ...done, firstTokenMs: null, endedMs: null };
    expect(segmentsOf(running, [100, 200]).map(({ part }) => part)).toEqual(["wait", "first"]);
    const waiting = { ...running, dispatchedMs: null };
    expect(segmentsOf(waiting, [100, 200])).toEqual([{ part: "wait", from: 0, share: 1 }]);
  });
});

describe("ratios", () => {
  const row = {
    requestId: "r",
    workflowId: "w",
    stage: 0,
    class: "default",
    status: "completed",
    model: "m",
    engine: "e",
    rule: "price",
    waitMs: 0,
    predictedTokens: 30,
    outputTokens: 10,
    endedMs: 4000,
  } as const;

  test("are of what was answered with something, oldest first", () => {
    const requests = [
      row,
      { ...row, endedMs: 1000, predictedTokens: 5 },
      { ...row, outputTokens: 0 },
      { ...row, status: "shed", outputTokens: null } as const,
    ];
    expect(ratioSeries({ nowMs: 5000, requests })).toEqual([
      [-4, -1],
      [0.5, 3],
    ]);
  });

  test.each([
    [[], null],
    [[3], 3],
    [[4, 1], 2.5],
    [[9, 1, 2], 2],
  ])("the middle of %j is %s", (values, middle) => expect(medianOf(values)).toBe(middle));
});
