import { bootstrapScores, type ScoreInterval } from "../learn/resample.ts";
import { loadRouterModel, type RouterModel } from "../predict/router-model.ts";
import { trainRouter } from "../predict/router-training.ts";
import type { EvaluationOptions } from "./length-evaluation.ts";
import {
  confidencesOf,
  othersConfidences,
  rateConfidences,
  type Confidences,
  type RouterCase,
  type RouterSet,
} from "./router-baselines.ts";
import { modelRates, modelScores, pairsOf, setScores, type SetScores } from "./router-scores.ts";

/** How one predictor did on a set or on one model of it; intervals are by problem. */
export interface RouterScoreRow {
  readonly set: string;
  readonly predictor: string;
  /** Null: all models, the mean over them. */
  readonly model: string | null;
  readonly rows: number;
  readonly scores: Readonly<Partial<Record<keyof SetScores, ScoreInterval>>>;
}

/** A router less a rate, on the same draws. */
export interface RouterComparison {
  readonly set: string;
  readonly router: string;
  readonly rate: string;
  readonly score: keyof SetScores;
  readonly difference: ScoreInterval;
}

/** The model in the middle of a set, with its outcomes and as one whose outcomes nobody has seen. */
export interface NewModelRow {
  readonly set: string;
  readonly model: string;
  readonly seen: Pick<SetScores, "areaUnderRoc" | "brier">;
  readonly unseen: Pick<SetScores, "areaUnderRoc" | "brier">;
}

export interface RouterEvaluation {
  readonly scores: readonly RouterScoreRow[];
  readonly comparisons: readonly RouterComparison[];
  readonly newModels: readonly NewModelRow[];
}

const TOGETHER = "router, all sets";
const ALONE = "router, own set";
const RATES = ["family rate", "task-set rate*"];
const COMPARED = ["averagePrecision", "gainCorrelation"] as const;

/** Trains on the train parts, of all sets in one file and of each alone, and scores each valid part. */
export function evaluateRouter(
  sets: readonly RouterSet[],
  options: EvaluationOptions,
): RouterEvaluation {
  const { progress } = options;
  progress(TOGETHER);
  const together = learn(
    sets.flatMap(({ train }) => train),
    options,
  );
  const results = sets.map((set) => {
    progress(`${ALONE}: ${set.name}`);
    const alone = sets.length > 1 ? learn(set.train, options) : together;
    const { valid } = set;
    const predictors: Predictors = [
      ["constants", rateConfidences(set, () => "")],
      ["family rate", rateConfidences(set, ({ facts }) => facts.kind)],
      ["task-set rate*", rateConfidences(set, ({ subset }) => subset)],
      [TOGETHER, confidencesOf(together, valid)],
      ...(sets.length > 1 ? [[ALONE, confidencesOf(alone, valid)] as const] : []),
      ["others' outcomes*", othersConfidences(set)],
      ["truth*", valid.map(({ success }) => success)],
    ];
    progress(`scores of ${set.name}`);
    return { ...scoreSet(set, predictors, options), newModel: newModelRow(set, alone, options) };
  });
  return {
    scores: results.flatMap(({ scores }) => scores),
    comparisons: results.flatMap(({ comparisons }) => comparisons),
    newModels: results.flatMap(({ newModel }) => newModel ?? []),
  };
}

function learn(
  examples: readonly RouterCase[],
  { seed, treeCount }: EvaluationOptions,
): RouterModel {
  const router = loadRouterModel(trainRouter(examples, { seed, date: "", treeCount }));
  if (!router.ok) throw new Error(router.fault.message);
  return router.value;
}

type Predictors = readonly (readonly [name: string, confidences: Confidences])[];

function scoreSet(
  { name: set, train, valid }: RouterSet,
  predictors: Predictors,
  options: EvaluationOptions,
): Pick<RouterEvaluation, "scores" | "comparisons"> {
  const pairs = pairsOf(train);
  const intervals = bootstrapScores(
    valid.map(({ group }) => group),
    (rows) => {
      const cases = rows.flatMap((row) => valid[row] ?? []);
      const named = new Map<string, number | null>();
      for (const [predictor, confidences] of predictors) {
        const drawn = rows.map((row) => confidences[row] ?? 0.5);
        nameScores(named, [predictor], setScores(cases, drawn, pairs));
        for (const [model, scores] of modelScores(cases, drawn)) {
          nameScores(named, [predictor, model], scores);
        }
      }
      nameDifferences(named);
      return named;
    },
    options,
  );
  const models = [...modelRates(valid).keys()].sort();
  const scores = predictors.flatMap(([predictor]) =>
    [null, ...models].map((model): RouterScoreRow => {
      const start = keyOf(model === null ? [predictor] : [predictor, model], "");
      const own = [...intervals].filter(([key]) => key.startsWith(start));
      return {
        set,
        predictor,
        model,
        rows: valid.filter((of) => model === null || of.model === model).length,
        scores: Object.fromEntries(own.map(([key, value]) => [key.slice(start.length), value])),
      };
    }),
  );
  const comparisons = comparisonKeys().flatMap(({ router, rate, score, key }) => {
    const difference = intervals.get(key);
    return difference === undefined ? [] : [{ set, router, rate, score, difference }];
  });
  return { scores, comparisons };
}

function keyOf(of: readonly string[], score: string): string {
  return `${JSON.stringify(of)}\n${score}`;
}

function nameScores(
  named: Map<string, number | null>,
  of: readonly string[],
  scores: Readonly<Partial<Record<keyof SetScores, number | null>>>,
): void {
  for (const [score, value] of Object.entries(scores)) named.set(keyOf(of, score), value);
}

function comparisonKeys(): (Omit<RouterComparison, "set" | "difference"> & {
  readonly key: string;
})[] {
  return [TOGETHER, ALONE].flatMap((router) =>
    RATES.flatMap((rate) =>
      COMPARED.map((score) => ({ router, rate, score, key: keyOf([router, "less", rate], score) })),
    ),
  );
}

function nameDifferences(named: Map<string, number | null>): void {
  for (const { router, rate, score, key } of comparisonKeys()) {
    const [a, b] = [named.get(keyOf([router], score)), named.get(keyOf([rate], score))];
    if (typeof a === "number" && typeof b === "number") named.set(key, a - b);
  }
}

function newModelRow(
  { name: set, train, valid }: RouterSet,
  seen: RouterModel,
  options: EvaluationOptions,
): NewModelRow | null {
  const models = [...modelRates(train)].sort(
    ([nameA, a], [nameB, b]) => a - b || (nameA < nameB ? -1 : 1),
  );
  const [model] = models[Math.floor(models.length / 2)] ?? [];
  if (model === undefined || models.length < 2) return null;
  options.progress(`${set} without outcomes of ${model}`);
  const others = train.filter((of) => of.model !== model);
  const own = valid.filter((of) => of.model === model);
  const scoresOf = (router: RouterModel): NewModelRow["seen"] => {
    const scores = modelScores(own, confidencesOf(router, own)).get(model);
    return { areaUnderRoc: scores?.areaUnderRoc ?? null, brier: scores?.brier ?? null };
  };
  return { set, model, seen: scoresOf(seen), unseen: scoresOf(learn(others, options)) };
}
