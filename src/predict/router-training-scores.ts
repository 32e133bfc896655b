import { brierScore, calibrationError, meanAveragePrecision } from "../learn/score.ts";
import type { RouterCases } from "./router-cases.ts";

export interface RouterScores {
  /** Pairs of prompt and model that were scored. */
  readonly pairs: number;
  /** Mean over models of average precision; null where no model has solved anything. */
  readonly meanAveragePrecision: number | null;
  readonly brier: number | null;
  readonly calibrationError: number | null;
}

/**
 * Scores of confidences where the outcome is known; a share of success counts as solved from one
 * half on.
 */
export function scoreRouter(
  { labels }: RouterCases,
  confidences: readonly Float64Array[],
): RouterScores {
  const known = labels.map((truths, model) => {
    const rows = Array.from(truths.keys()).filter((row) => !Number.isNaN(truths[row]));
    return {
      truths: rows.map((row) => Number((truths[row] ?? 0) >= 0.5)),
      scores: rows.map((row) => confidences[model]?.[row] ?? 0),
    };
  });
  const truths = known.flatMap((each) => each.truths);
  const scores = known.flatMap((each) => each.scores);
  return {
    pairs: truths.length,
    meanAveragePrecision: meanAveragePrecision(
      known.map((each) => each.truths),
      known.map((each) => each.scores),
    ),
    brier: brierScore(truths, scores),
    calibrationError: calibrationError(truths, scores),
  };
}
