import type { StageFacts } from "./port.ts";

/** Predicted output tokens of a stage, and of it with all later ones. */
export interface Lengths {
  readonly stageMedian: number;
  readonly stageMean: number;
  readonly remainingMedian: number;
  readonly remainingMean: number;
}

type Hints = Pick<StageFacts, "expectedOutputTokens" | "callsLeft" | "outputTokensMax">;

/**
 * What the client says beats statistics: its expected length replaces the stage's, its calls left
 * replace the rest (at `callTokens` each), its limit caps the stage. The rest is never negative: a
 * stage that has ended is a lower bound of what remained when it began.
 */
export function withHints(lengths: Lengths, hints: Hints, callTokens: number): Lengths {
  const { expectedOutputTokens, callsLeft, outputTokensMax } = hints;
  const capped = (tokens: number): number =>
    Math.max(1, Math.min(expectedOutputTokens ?? tokens, outputTokensMax ?? Infinity));
  const rest = (remaining: number, stage: number): number =>
    callsLeft === null ? Math.max(0, remaining - stage) : callsLeft * callTokens;
  const stageMedian = capped(lengths.stageMedian);
  const stageMean = capped(lengths.stageMean);
  return {
    stageMedian,
    stageMean,
    remainingMedian: stageMedian + rest(lengths.remainingMedian, lengths.stageMedian),
    remainingMean: stageMean + rest(lengths.remainingMean, lengths.stageMean),
  };
}
