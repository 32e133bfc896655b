import { bootstrapScores, type NamedScores, type ScoreInterval } from "../learn/resample.ts";
import { brierScore, kendallDistance } from "../learn/score.ts";
import type { LengthModel } from "./length-model.ts";
import { distanceInside } from "./length-training-scores.ts";
import type { LengthExample } from "./length-training.ts";
import type { RouterExample } from "./router-cases.ts";
import type { RouterModel } from "./router-model.ts";

/** How much better a candidate is than the model in use, on cases that it has not seen. */
export interface PromotionVerdict {
  readonly promotes: boolean;
  readonly cases: number;
  /** Kendall distance inside each model, or Brier score; smaller is better. Null where nothing can be compared. */
  readonly current: number | null;
  readonly candidate: number | null;
  /** current less candidate, with its 95 % interval by problem. */
  readonly gain: ScoreInterval | null;
}

/** A gain below it is not worth the change of a model. */
export const PROMOTION_GAIN_MIN: number = 0.002;
const RESAMPLES = 500;

type Score = (predicted: readonly number[], rows: readonly number[]) => number | null;

/** Lengths: by the Kendall distance of predicted medians inside each model. */
export function compareLengthModels(
  current: LengthModel,
  candidate: LengthModel,
  examples: readonly LengthExample[],
  seed: number,
): PromotionVerdict {
  const score: Score = (predicted, rows) => {
    const truth = rows.map((row) => examples[row]?.remaining ?? 0);
    const values = rows.map((row) => predicted[row] ?? 0);
    const models = rows.map((row) => examples[row]?.model ?? "");
    return distanceInside(truth, values, models) ?? kendallDistance(truth, values);
  };
  const mediansOf = (model: LengthModel): number[] =>
    examples.map(({ facts, model: name }) => model.predict(model.features(facts), name).median);
  const groups = examples.map(({ group }) => group);
  return verdictOf(score, [mediansOf(current), mediansOf(candidate)], groups, seed);
}

/** Confidence: by the Brier score, which asks for order and calibration together. */
export function compareRouterModels(
  current: RouterModel,
  candidate: RouterModel,
  examples: readonly RouterExample[],
  seed: number,
): PromotionVerdict {
  const score: Score = (predicted, rows) =>
    brierScore(
      rows.map((row) => examples[row]?.success ?? 0),
      rows.map((row) => predicted[row] ?? 0),
    );
  const confidencesOf = (model: RouterModel): number[] =>
    examples.map(({ facts, model: name }) => model.confidence(facts, [name])[0]?.confidence ?? 0.5);
  const groups = examples.map(({ group }) => group);
  return verdictOf(score, [confidencesOf(current), confidencesOf(candidate)], groups, seed);
}

/** Better by the least gain that counts, and beyond what other problems could have undone. */
function verdictOf(
  score: Score,
  [current, candidate]: readonly [readonly number[], readonly number[]],
  groups: readonly string[],
  seed: number,
): PromotionVerdict {
  const scoresOn = (rows: readonly number[]): NamedScores => {
    const [before, after] = [score(current, rows), score(candidate, rows)];
    const gain = before === null || after === null ? null : before - after;
    return new Map([
      ["current", before],
      ["candidate", after],
      ["gain", gain],
    ]);
  };
  const scores = bootstrapScores(groups, scoresOn, { seed, resamples: RESAMPLES });
  const gain = scores.get("gain") ?? null;
  return {
    promotes: gain !== null && gain.value >= PROMOTION_GAIN_MIN && gain.low > 0,
    cases: groups.length,
    current: scores.get("current")?.value ?? null,
    candidate: scores.get("candidate")?.value ?? null,
    gain,
  };
}
