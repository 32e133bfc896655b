import { createRandom } from "../core/random.ts";
import { ColdStart } from "../predict/cold-start.ts";
import { LearnedEstimator, type LearnedModels } from "../predict/learned.ts";
import { createOracle, type Truth } from "../predict/oracle.ts";
import type { Estimator, StageFacts, WorkflowSeen } from "../predict/port.ts";
import type { LearnedSpec, PredictorSpec } from "./experiment-document.ts";
import { isLearned } from "./experiment.ts";
import { normal } from "./generated-course.ts";
import { remainingTokens, type PlayableWorkflow } from "./workload.ts";

export interface EstimatorSource {
  readonly workflows: readonly PlayableWorkflow[];
  /** Runs that are not played. */
  readonly training: readonly WorkflowSeen[];
  /** What answers in front of the cold-start estimator; null where nothing does. */
  readonly learned: LearnedModels | null;
}

/** Predictors that say of the played runs what is true, or nearly. */
type TruthSpec = Exclude<PredictorSpec, LearnedSpec>;

/**
 * A fresh estimator that has seen the runs which are not played. What the spec takes from the played
 * runs themselves comes from there; a bound for experiments, since true lengths also tell which run fails.
 */
export function createExperimentEstimator(
  spec: PredictorSpec,
  { workflows, training, learned }: EstimatorSource,
  seed: number,
): Estimator {
  const coldStart = new ColdStart({ confidence: {} });
  for (const seen of training) {
    for (const stage of seen.stages) coldStart.stageEnded(stage);
    coldStart.workflowEnded(seen);
  }
  if (learned !== null) return new LearnedEstimator(learned, coldStart);
  if (spec === "cold-start" || isLearned(spec)) return coldStart;
  const byId = new Map(workflows.map((workflow) => [workflow.id, workflow]));
  const lengths = lengthsOf(spec, workflows, seed);
  const scores = scoresOf(spec, workflows, seed, coldStart);
  return createOracle((facts, model): Truth | null => {
    const workflow = byId.get(facts.workflowId);
    const course = workflow?.courses[model];
    const stage = course?.stages[facts.stage];
    if (workflow === undefined || course === undefined || stage === undefined) return null;
    const exact = { stage: stage.outputTokens, remaining: remainingTokens(course, facts.stage) };
    return {
      lengths: lengths?.(exact, workflow.id, model) ?? null,
      score: scores?.(course.score, facts, model) ?? null,
    };
  }, coldStart);
}

type SeenLengths = (exact: Lengths, workflowId: string, model: string) => Lengths;
type SeenScore = (score: number, facts: StageFacts, model: string) => number;

/** Null where lengths are the cold-start estimator's. */
function lengthsOf(
  spec: TruthSpec,
  workflows: readonly PlayableWorkflow[],
  seed: number,
): SeenLengths | null {
  if (typeof spec === "string") {
    return spec === "true-lengths" || spec === "truth" ? (exact) => exact : null;
  }
  if (spec.kendallDistance === undefined) return null;
  const noise = new LengthNoise(workflows, spec.kendallDistance, seed);
  return (exact, workflowId, model) => noise.disturb(exact, workflowId, model);
}

/** Null where confidence is the cold-start estimator's. */
function scoresOf(
  spec: TruthSpec,
  workflows: readonly PlayableWorkflow[],
  seed: number,
  coldStart: Estimator,
): SeenScore | null {
  if (typeof spec === "string") {
    return spec === "true-scores" || spec === "truth" ? (score) => score : null;
  }
  if (spec.routerArea === undefined) return null;
  const signal = new ScoreSignal(workflows, spec.routerArea, seed);
  return (score, facts, model) => {
    const rate = coldStart.estimate(facts, [model])[0]?.confidence ?? 0.5;
    return signal.confidence(score, rate, drawKey(facts.workflowId, model));
  };
}

/**
 * Sees each score through normal noise and weighs what it sees with the rate of success that was known
 * before (Bayes' rule), so that its confidence is calibrated. Of two runs with the same rate, one solved,
 * it prefers the solved one with chance `area`: the noise is 1 / (sqrt(2) x the normal score of it).
 */
class ScoreSignal {
  readonly #deviation: number;
  readonly #draws: ReadonlyMap<string, number>;

  constructor(workflows: readonly PlayableWorkflow[], area: number, seed: number) {
    this.#deviation = 1 / (Math.SQRT2 * Math.max(1e-6, normalScore(area)));
    this.#draws = drawsOf(workflows, seed ^ 0x5f3759df);
  }

  confidence(score: number, rate: number, key: string): number {
    const variance = this.#deviation * this.#deviation;
    const seen = score + this.#deviation * (this.#draws.get(key) ?? 0);
    const evidence = (2 * seen - 1) / (2 * variance);
    return 1 / (1 + ((1 - rate) / rate) * Math.exp(-evidence));
  }
}

/** One standard normal draw for each workflow and model. */
function drawsOf(workflows: readonly PlayableWorkflow[], seed: number): Map<string, number> {
  const random = createRandom(seed);
  return new Map(
    workflows.flatMap(({ id, courses }) =>
      Object.keys(courses).map((model) => [drawKey(id, model), normal(random)] as const),
    ),
  );
}

interface Lengths {
  readonly stage: number;
  readonly remaining: number;
}

/**
 * Moves lengths to other ranks among those of their model, so that the share of inverted pairs is the
 * given Kendall distance and the distribution stays as it is. Ranks as normal scores are mixed with
 * noise of one draw a workflow and model; of a bivariate normal with correlation rho the distance is
 * 1/2 - asin(rho) / pi (Kendall 1938, Greiner's relation).
 */
class LengthNoise {
  readonly #correlation: number;
  readonly #draws: ReadonlyMap<string, number>;
  /** Rising, by model. */
  readonly #remaining = new Map<string, Float64Array>();
  readonly #stage = new Map<string, Float64Array>();

  constructor(workflows: readonly PlayableWorkflow[], distance: number, seed: number) {
    this.#correlation = Math.sin(Math.PI * (0.5 - distance));
    this.#draws = drawsOf(workflows, seed);
    const models = new Set(workflows.flatMap((workflow) => Object.keys(workflow.courses)));
    for (const model of models) {
      const courses = workflows.flatMap(({ courses }) => courses[model] ?? []);
      const each = (length: (course: (typeof courses)[number], stage: number) => number) =>
        Float64Array.from(
          courses.flatMap((course) => course.stages.map((_, stage) => length(course, stage))),
        ).sort();
      this.#remaining.set(model, each(remainingTokens));
      this.#stage.set(
        model,
        each((course, stage) => course.stages[stage]?.outputTokens ?? 0),
      );
    }
  }

  disturb(exact: Lengths, workflowId: string, model: string): Lengths {
    const draw = this.#draws.get(drawKey(workflowId, model)) ?? 0;
    return {
      stage: this.#moved(exact.stage, draw, this.#stage.get(model)),
      remaining: this.#moved(exact.remaining, draw, this.#remaining.get(model)),
    };
  }

  #moved(length: number, draw: number, lengths: Float64Array | undefined): number {
    if (lengths === undefined || lengths.length === 0) return length;
    const score = normalScore(shareBelow(lengths, length));
    const rho = this.#correlation;
    const share = normalShare(rho * score + Math.sqrt(1 - rho * rho) * draw);
    const place = Math.min(lengths.length - 1, Math.floor(share * lengths.length));
    return lengths[place] ?? length;
  }
}

function drawKey(workflowId: string, model: string): string {
  return `${workflowId}\n${model}`;
}

/** Share of the values below the given one, ties counted half; within (0, 1). */
function shareBelow(rising: Float64Array, value: number): number {
  const below = firstNotBelow(rising, value);
  const upTo = firstNotBelow(rising, value + Number.EPSILON * Math.max(1, value));
  return (below + upTo + 1) / (2 * rising.length + 2);
}

function firstNotBelow(rising: Float64Array, value: number): number {
  let low = 0;
  let high = rising.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((rising[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Normal distribution function (Abramowitz and Stegun 7.1.26, error below 1.5e-7). */
function normalShare(score: number): number {
  const x = Math.abs(score) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const series =
    t *
    (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const tail = (series * Math.exp(-x * x)) / 2;
  return score < 0 ? tail : 1 - tail;
}

/** Its inverse, by bisection: exact to the tables' precision and short. */
function normalScore(share: number): number {
  let low = -8;
  let high = 8;
  for (let round = 0; round < 40; round++) {
    const middle = (low + high) / 2;
    if (normalShare(middle) < share) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}
