import { expect, test } from "vitest";

import { withHints } from "./length-hints.ts";

const statistics = { stageMedian: 100, stageMean: 150, remainingMedian: 300, remainingMean: 500 };
const silent = { expectedOutputTokens: null, callsLeft: null, outputTokensMax: null };

test("without hints the statistics stand", () => {
  expect(withHints(statistics, silent, 80)).toEqual(statistics);
});

test("an expected length replaces the stage's, and the rest stays", () => {
  const lengths = withHints(statistics, { ...silent, expectedOutputTokens: 40 }, 80);
  expect(lengths).toEqual({
    stageMedian: 40,
    stageMean: 40,
    remainingMedian: 240,
    remainingMean: 390,
  });
});

test("calls left replace the rest, at the mean call each", () => {
  const lengths = withHints(statistics, { ...silent, callsLeft: 3 }, 80);
  expect(lengths).toMatchObject({ stageMedian: 100, remainingMedian: 340, remainingMean: 390 });
  expect(withHints(statistics, { ...silent, callsLeft: 0 }, 80).remainingMedian).toBe(100);
});

test("the client's limit caps this stage alone, even against its own expectation", () => {
  const capped = withHints(statistics, { ...silent, outputTokensMax: 50 }, 80);
  expect(capped).toMatchObject({ stageMedian: 50, remainingMedian: 250, remainingMean: 400 });
  const hints = { expectedOutputTokens: 90, callsLeft: 1, outputTokensMax: 50 };
  expect(withHints(statistics, hints, 80)).toMatchObject({ stageMedian: 50, remainingMedian: 130 });
});

test("what remains is never less than the stage, and a stage never less than a token", () => {
  const early = { stageMedian: 100, stageMean: 150, remainingMedian: 60, remainingMean: 70 };
  expect(withHints(early, silent, 80)).toMatchObject({ remainingMedian: 100, remainingMean: 150 });
  expect(withHints(statistics, { ...silent, expectedOutputTokens: 0 }, 80).stageMedian).toBe(1);
});
