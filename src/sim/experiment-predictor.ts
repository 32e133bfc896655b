import { createRandom } from "../core/random.ts";
import { ColdStart } from "../predict/cold-start.ts";
import { createOracle, type Truth } from "../predict/oracle.ts";
import type { Estimator, WorkflowSeen } from "../predict/port.ts";
import type { PredictorSpec } from "./experiment-document.ts";
import { normal } from "./generated-course.ts";
import { remainingTokens, type PlayableWorkflow } from "./workload.ts";

/**
 * A fresh estimator that has seen the runs which are not played. What the spec takes from the played
 * runs themselves comes from there; a bound for experiments, since true lengths also tell which run fails.
 */
export function createExperimentEstimator(
  spec: PredictorSpec,
  workflows: readonly PlayableWorkflow[],
  training: readonly WorkflowSeen[],
  seed: number,
): Estimator {
  const coldStart = new ColdStart({ confidence: {} });
  for (const seen of training) {
    for (const stage of seen.stages) coldStart.stageEnded(stage);
    coldStart.workflowEnded(seen);
  }
  if (spec === "cold-start") return coldStart;
  const byId = new Map(workflows.map((workflow) => [workflow.id, workflow]));
  const distance = typeof spec === "string" ? 0 : spec.kendallDistance;
  const noise = distance === 0 ? null : new LengthNoise(workflows, distance, seed);
  const knowsLengths = spec !== "true-scores";
  const knowsScores = spec === "true-scores" || spec === "truth";
  return createOracle((facts, model): Truth | null => {
    const workflow = byId.get(facts.workflowId);
    const course = workflow?.courses[model];
    const stage = course?.stages[facts.stage];
    if (workflow === undefined || course === undefined || stage === undefined) return null;
    const exact = { stage: stage.outputTokens, remaining: remainingTokens(course, facts.stage) };
    const lengths = noise === null ? exact : noise.disturb(exact, workflow.id, model);
    return {
      lengths: knowsLengths ? lengths : null,
      score: knowsScores ? course.score : null,
    };
  }, coldStart);
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
  readonly #draws = new Map<string, number>();
  /** Rising, by model. */
  readonly #remaining = new Map<string, Float64Array>();
  readonly #stage = new Map<string, Float64Array>();

  constructor(workflows: readonly PlayableWorkflow[], distance: number, seed: number) {
    this.#correlation = Math.sin(Math.PI * (0.5 - distance));
    const random = createRandom(seed);
    for (const { id, courses } of workflows) {
      for (const model of Object.keys(courses)) this.#draws.set(drawKey(id, model), normal(random));
    }
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
