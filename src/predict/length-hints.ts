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
  const { callsLeft } = hints;
  const said = callsLeft === null ? null : callsLeft * callTokens;
  const stageMedian = stageOf(lengths.stageMedian, hints);
  const stageMean = stageOf(lengths.stageMean, hints);
  return {
    stageMedian,
    stageMean,
    remainingMedian:
      stageMedian + (said ?? Math.max(0, lengths.remainingMedian - lengths.stageMedian)),
    remainingMean: stageMean + (said ?? Math.max(0, lengths.remainingMean - lengths.stageMean)),
  };
}

function stageOf(tokens: number, { expectedOutputTokens, outputTokensMax }: Hints): number {
  return Math.max(1, Math.min(expectedOutputTokens ?? tokens, outputTokensMax ?? Infinity));
}
