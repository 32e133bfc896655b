import type { Random } from "../core/random.ts";
import {
  type Domain,
  DOMAINS,
  type LengthMixture,
  mixtureOf,
  type ModelProfile,
  type WorkflowShape,
} from "./generated-models.ts";

/** What is drawn of a problem before any model works on it. */
export interface ProblemDraw {
  readonly domain: Domain;
  readonly shape: WorkflowShape;
  /** Latent; standard normal over the problems of a domain. */
  readonly difficulty: number;
}

/** How one model does on a problem. */
export interface CourseDraw {
  readonly model: string;
  readonly solved: boolean;
  /** 0..1: share of hidden tests passed in code, right or wrong in math. */
  readonly reward: number;
  readonly runaway: boolean;
  /** Output tokens of each stage, at least 1. */
  readonly stageTokens: readonly number[];
}

/** How strongly length follows difficulty; the rest is the run's own (below: its effort). */
const DIFFICULTY_IN_LENGTH = 0.5;
/** What decides whether a run solves its problem: difficulty, effort (a run that struggles is long), luck. */
const DIFFICULTY_IN_OUTCOME = 0.75;
const EFFORT_IN_OUTCOME = 0.4;
/** Steepness with which hard problems make runs that never find their end. */
const RUNAWAY_SLOPE = 1.7;
/** Spread of the roles' shares, as the standard deviation of their logarithm. */
const SHARE_SPREAD = 0.3;
/** Weight of the stage that does not find its end. */
const LONG_STAGE_WEIGHT = 25;
const HIDDEN_TESTS = 5;
const STAGE_TOKENS_MIN = 4;

export function drawProblem(domain: Domain, random: Random): ProblemDraw {
  const { shapes } = DOMAINS[domain];
  const shape = shapes[Math.floor(random.next() * shapes.length)];
  if (shape === undefined) throw new Error(`${domain} has no workflow`);
  return { domain, shape, difficulty: normal(random) };
}

/** One course a model of the domain, in the order of its profiles. */
export function drawCourses(problem: ProblemDraw, random: Random): CourseDraw[] {
  return DOMAINS[problem.domain].models.map((model) => drawCourse(problem, model, random));
}

const MIXTURES = new Map<ModelProfile, LengthMixture>();

function mixtureFor(problem: ProblemDraw, model: ModelProfile): LengthMixture {
  const known = MIXTURES.get(model);
  if (known !== undefined) return known;
  const mixture = mixtureOf(model, DOMAINS[problem.domain].shapes);
  MIXTURES.set(model, mixture);
  return mixture;
}

function drawCourse(problem: ProblemDraw, model: ModelProfile, random: Random): CourseDraw {
  const { difficulty, shape } = problem;
  const mixture = mixtureFor(problem, model);
  // Twice a logistic curve: over difficulties, which are symmetric, its mean is 1.
  const odds = 2 / (1 + Math.exp(-RUNAWAY_SLOPE * difficulty));
  const runaway = random.next() < mixture.runawayChance * odds;
  const effort = normal(random);
  const total = runaway
    ? runawayTokens(model, random)
    : shape.length * bodyTokens(mixture, difficulty, effort);
  const luck = Math.sqrt(1 - DIFFICULTY_IN_OUTCOME ** 2 - EFFORT_IN_OUTCOME ** 2) * normal(random);
  const hardness = DIFFICULTY_IN_OUTCOME * difficulty + EFFORT_IN_OUTCOME * effort + luck;
  const solved = !runaway && hardness < model.ability + shape.gain;
  return {
    model: model.model,
    solved,
    reward: rewardOf(problem.domain, solved, random),
    runaway,
    stageTokens: shared(total, shape, runaway, random),
  };
}

function runawayTokens({ runaway, meanTokens }: ModelProfile, random: Random): number {
  const { from, to } = runaway ?? { from: meanTokens, to: meanTokens };
  return from + (to - from) * random.next();
}

function bodyTokens(mixture: LengthMixture, difficulty: number, effort: number): number {
  const { bodyMean, bodyLogDeviation: deviation } = mixture;
  const own = Math.sqrt(1 - DIFFICULTY_IN_LENGTH ** 2);
  const spread = DIFFICULTY_IN_LENGTH * difficulty + own * effort;
  return bodyMean * Math.exp(deviation * spread - (deviation * deviation) / 2);
}

function rewardOf(domain: Domain, solved: boolean, random: Random): number {
  const chance = random.next();
  if (solved) return 1;
  return domain === "math"
    ? 0
    : Math.floor(HIDDEN_TESTS * chance * chance * chance * chance) / HIDDEN_TESTS;
}

/** Shares a total out to the stages of a workflow. */
function shared(total: number, shape: WorkflowShape, runaway: boolean, random: Random): number[] {
  const weights = shape.shares.map((share, stage) => {
    const long = runaway && stage === shape.longStage ? LONG_STAGE_WEIGHT : 1;
    return share * long * Math.exp(SHARE_SPREAD * normal(random));
  });
  const sum = weights.reduce((all, weight) => all + weight, 0);
  return weights.map((weight) => Math.max(STAGE_TOKENS_MIN, Math.round((total * weight) / sum)));
}

/** Standard normal (Box-Muller). */
export function normal(random: Random): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.next()));
  return radius * Math.cos(2 * Math.PI * random.next());
}
