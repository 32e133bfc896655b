import type { PlattMap } from "../learn/calibration.ts";
import { classify, type Classifier } from "../learn/classifier.ts";
import type { SparseRow } from "../learn/sparse.ts";
import type { RouterPrompt } from "./router-encoder.ts";
import { knownOutcomes, rateOf, type RouterRates } from "./router-rates.ts";

/** Log odds of a model from the rate of its family and the difficulty of the task: three weights for all models. */
export interface RouterBase {
  readonly intercept: number;
  readonly rate: number;
  readonly difficulty: number;
}

/** What is learned from outcomes, once prompts are numbers and their difficulty is known. */
export interface RouterHead {
  readonly rates: RouterRates;
  readonly base: RouterBase;
  /** A label per model; its columns are those of `headRow`. */
  readonly classifier: Classifier;
  /** From log odds to a probability. */
  readonly calibration: PlattMap;
}

/** A prompt with how much better than usual models do on it, as a difference of rates. */
export interface RouterTask {
  readonly prompt: RouterPrompt;
  readonly ease: number;
}

/** Labels of its own that weigh as much in a model's confidence as the rate and the difficulty do. */
const LEANING_LABELS = 50;
/** Scales make one penalty do for columns of different sizes. */
const EASE_SCALE = 10;
const FAMILY_SCALE = 2;
/** No confidence is nearer to 0 or 1 than about .0003. */
const LOG_ODDS_MAX = 8;
const RATE_MIN = 0.02;

export function headColumns(termCount: number, familyCount: number): number {
  return termCount + 2 + familyCount;
}

/** The columns of the classifier: terms, ease of the task, one for each family and one for none. */
export function headRow({ prompt, ease }: RouterTask, termCount: number): SparseRow {
  const { columns, values } = prompt.terms;
  const size = columns.length;
  const row = { columns: new Uint32Array(size + 2), values: new Float64Array(size + 2) };
  row.columns.set(columns);
  row.values.set(values);
  row.columns[size] = termCount;
  row.values[size] = EASE_SCALE * ease;
  row.columns[size + 1] = termCount + 1 + prompt.family;
  row.values[size + 1] = FAMILY_SCALE;
  return row;
}

/** Log odds of a rate, held off the ends. */
export function rateLogOdds(rate: number): number {
  return logOdds(Math.min(Math.max(rate, RATE_MIN), 1 - RATE_MIN));
}

/** Inputs of the base, in the order of its weights. */
export function baseLogOdds(base: RouterBase, rate: number, ease: number): number {
  return held(base.intercept + base.rate * rateLogOdds(rate) + base.difficulty * EASE_SCALE * ease);
}

/** What the base is learned from. */
export function baseRow(rate: number, ease: number): SparseRow {
  return {
    columns: Uint32Array.of(0, 1),
    values: Float64Array.of(rateLogOdds(rate), EASE_SCALE * ease),
  };
}

/** Confidences of known models before they are calibrated, for one task. For one caller at a time. */
export function createHeadReader(
  head: Omit<RouterHead, "calibration">,
  termCount: number,
): (task: RouterTask) => (model: number) => number {
  const { rates, base, classifier } = head;
  const into = new Float64Array(classifier.labelCount);
  return (task) => {
    classify(classifier, headRow(task, termCount), into);
    return (model) => {
      const labels = knownOutcomes(rates, model);
      const trust = labels / (labels + LEANING_LABELS);
      const own = held(logOdds(into[model] ?? 0.5));
      const rate = rateOf(rates, task.prompt.family, model);
      return trust * own + (1 - trust) * baseLogOdds(base, rate, task.ease);
    };
  };
}

export const IDENTITY: PlattMap = { slope: 1, intercept: 0 };

function logOdds(probability: number): number {
  return Math.log(probability / (1 - probability));
}

function held(odds: number): number {
  return Math.min(Math.max(odds, -LOG_ODDS_MAX), LOG_ODDS_MAX);
}
