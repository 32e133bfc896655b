import { areaUnderRoc, averagePrecision, brierScore, calibrationError } from "../learn/score.ts";
import { gainCorrelation, gapRecovered, type PairCase } from "../predict/router-pair-scores.ts";
import type { Confidences, RouterCase } from "./router-baselines.ts";

/** Scores of one model's confidences. Null has no value. */
export interface ModelScores {
  readonly averagePrecision: number | null;
  readonly calibrationError: number | null;
  readonly brier: number | null;
  readonly areaUnderRoc: number | null;
}

/** Means over models, and over pairs of models; calibration and Brier's score over all cases. */
export interface SetScores extends ModelScores {
  /** Average performance gap recovered: chance is .5. */
  readonly gapRecovered: number | null;
  /** Of predicted and true gain of the larger model of a pair. */
  readonly gainCorrelation: number | null;
}

/** Pairs whose rates are at least so far apart are decisions between a small and a large model. */
const PAIR_GAP_MIN = 0.1;

export interface ModelPair {
  readonly small: string;
  readonly large: string;
}

/** Pairs worth deciding, by the rates of the given cases. */
export function pairsOf(cases: readonly RouterCase[]): ModelPair[] {
  const rates = Array.from(modelRates(cases), ([model, rate]) => ({ model, rate }));
  return rates.flatMap((small) =>
    rates
      .filter((large) => large.rate - small.rate >= PAIR_GAP_MIN)
      .map((large) => ({ small: small.model, large: large.model })),
  );
}

/** Success rates by model. */
export function modelRates(cases: readonly RouterCase[]): ReadonlyMap<string, number> {
  return new Map(
    Array.from(byModel(cases, []), ([model, { truths }]) => [model, mean(truths) ?? 0]),
  );
}

export function modelScores(
  cases: readonly RouterCase[],
  confidences: Confidences,
): ReadonlyMap<string, ModelScores> {
  return new Map(
    Array.from(byModel(cases, confidences), ([model, { truths, scores }]) => [
      model,
      {
        averagePrecision: averagePrecision(truths, scores),
        calibrationError: calibrationError(truths, scores),
        brier: brierScore(truths, scores),
        areaUnderRoc: areaUnderRoc(truths, scores),
      },
    ]),
  );
}

export function setScores(
  cases: readonly RouterCase[],
  confidences: Confidences,
  pairs: readonly ModelPair[],
): SetScores {
  const truths = cases.map(({ success }) => Number(success >= 0.5));
  const models = [...modelScores(cases, confidences).values()];
  const tasks = byTask(cases, confidences);
  const decided = pairs.map((pair) => pairCases(tasks, pair));
  return {
    averagePrecision: mean(models.map((each) => each.averagePrecision)),
    calibrationError: calibrationError(truths, confidences),
    brier: brierScore(truths, confidences),
    areaUnderRoc: mean(models.map((each) => each.areaUnderRoc)),
    gapRecovered: mean(decided.map(gapRecovered)),
    gainCorrelation: mean(decided.map(gainCorrelation)),
  };
}

/** A share of success counts as solved from one half on. */
function byModel(
  cases: readonly RouterCase[],
  confidences: Confidences,
): Map<string, { truths: number[]; scores: number[] }> {
  const models = new Map<string, { truths: number[]; scores: number[] }>();
  for (const [index, { model, success }] of cases.entries()) {
    const of = models.get(model) ?? { truths: [], scores: [] };
    models.set(model, of);
    of.truths.push(Number(success >= 0.5));
    of.scores.push(confidences[index] ?? 0.5);
  }
  return models;
}

interface Outcome {
  readonly success: number;
  readonly confidence: number;
}
type Tasks = readonly ReadonlyMap<string, Outcome>[];

/** Outcomes by model for each task; a task drawn several times is there as often. */
function byTask(cases: readonly RouterCase[], confidences: Confidences): Tasks {
  const tasks = new Map<string, Map<string, Outcome>[]>();
  for (const [index, { facts, model, success }] of cases.entries()) {
    const key = facts.text?.user ?? "";
    const copies = tasks.get(key) ?? [];
    tasks.set(key, copies);
    let copy = copies.find((outcomes) => !outcomes.has(model));
    if (copy === undefined) copies.push((copy = new Map()));
    copy.set(model, { success, confidence: confidences[index] ?? 0.5 });
  }
  return [...tasks.values()].flat();
}

function pairCases(tasks: Tasks, pair: ModelPair): PairCase[] {
  return tasks.flatMap((outcomes) => {
    const small = outcomes.get(pair.small);
    const large = outcomes.get(pair.large);
    if (small === undefined || large === undefined) return [];
    const predictedGain = large.confidence - small.confidence;
    return [{ small: small.success, large: large.success, predictedGain }];
  });
}

function mean(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
}
