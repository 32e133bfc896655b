import type { RouterExample } from "../predict/router-cases.ts";
import type { RouterModel } from "../predict/router-model.ts";

/** An outcome with the name of its task set, which only one baseline looks at. */
export interface RouterCase extends RouterExample {
  readonly subset: string;
}

/** Outcomes to learn from and outcomes to be judged on. */
export interface RouterSet {
  readonly name: string;
  readonly train: readonly RouterCase[];
  readonly valid: readonly RouterCase[];
}

export type Confidences = readonly number[];

/** Cases of its own that weigh as much in a rate as the rate of the model. */
const LEANING_ROWS = 5;
/** Other models on a problem, and how many of them weigh as much as knowing nothing. */
const LEANING_MODELS = 2;

export function confidencesOf(router: RouterModel, cases: readonly RouterCase[]): Confidences {
  return cases.map(({ facts, model }) => router.confidence(facts, [model])[0]?.confidence ?? 0.5);
}

/** Rates of the train part, by model and group, leaning on the model's rate. */
export function rateConfidences(
  { train, valid }: RouterSet,
  groupOf: (of: RouterCase) => string,
): Confidences {
  const tallies = talliesOf(train, ({ model }) => [model]);
  const both = talliesOf(train, (of) => [of.model, groupOf(of)]);
  return valid.map((of) => {
    const { rows, sum } = tallies(of.model);
    const rate = (sum + 0.5) / (rows + 1);
    const group = groupOf(of);
    if (group === "") return rate;
    const own = both(of.model, group);
    return (own.sum + LEANING_ROWS * rate) / (own.rows + LEANING_ROWS);
  });
}

/**
 * The rate of a model, moved by how much better than their rates the other models in fact did on the
 * same problem. Nobody knows that before the problem has been solved many times over: a bound on what
 * the shared difficulty of problems can tell, no result.
 */
export function othersConfidences({ train, valid }: RouterSet): Confidences {
  const tallies = talliesOf(train, ({ model }) => [model]);
  const rateOf = ({ model }: RouterCase): number => {
    const { rows, sum } = tallies(model);
    return (sum + 0.5) / (rows + 1);
  };
  const excess = new Map<string, { sum: number; count: number }>();
  for (const of of valid) {
    const known = excess.get(problemOf(of)) ?? { sum: 0, count: 0 };
    excess.set(problemOf(of), known);
    known.sum += of.success - rateOf(of);
    known.count++;
  }
  return valid.map((of) => {
    const { sum, count } = excess.get(problemOf(of)) ?? { sum: 0, count: 1 };
    const others = (sum - (of.success - rateOf(of))) / (count - 1 + LEANING_MODELS);
    return Math.min(Math.max(rateOf(of) + others, 0), 1);
  });
}

/** The same problem in another workflow is another. */
function problemOf({ facts, group }: RouterCase): string {
  return `${facts.kind}\n${group}`;
}

interface Tally {
  readonly rows: number;
  readonly sum: number;
}

function talliesOf(
  cases: readonly RouterCase[],
  keysOf: (of: RouterCase) => readonly string[],
): (...keys: readonly string[]) => Tally {
  const tallies = new Map<string, Tally>();
  const lookUp = (...keys: readonly string[]): Tally =>
    tallies.get(keys.join("\n")) ?? { rows: 0, sum: 0 };
  for (const of of cases) {
    const keys = keysOf(of);
    const { rows, sum } = lookUp(...keys);
    tallies.set(keys.join("\n"), { rows: rows + 1, sum: sum + of.success });
  }
  return lookUp;
}
