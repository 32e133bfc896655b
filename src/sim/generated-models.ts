/** Families of problems that can be generated. */
export type Domain = "code" | "math";

/** Lengths of whole workflows of one model in one domain, in output tokens, and how much it can do. */
export interface ModelProfile {
  readonly model: string;
  readonly meanTokens: number;
  readonly deviationTokens: number;
  /** Total length of runs that never find their end, uniform in between; null: the model always stops. */
  readonly runaway: { readonly from: number; readonly to: number } | null;
  /** It solves problems up to this difficulty, in standard deviations of what makes a problem hard. */
  readonly ability: number;
}

/** One way to work on a problem of a domain. */
export interface WorkflowShape {
  readonly name: string;
  readonly roles: readonly string[];
  /** Share of the workflow's tokens that each role makes. */
  readonly shares: readonly number[];
  /** The stage that goes on and on in a run that never finds its end. */
  readonly longStage: number;
  /** Length against the mean of the domain's shapes; the shapes of a domain average to 1. */
  readonly length: number;
  /** Added to a model's ability. */
  readonly gain: number;
}

export interface DomainProfile {
  readonly models: readonly ModelProfile[];
  readonly shapes: readonly WorkflowShape[];
}

/**
 * The paper's six models and three workflows a domain. It gives mean and standard deviation of the
 * workflow totals for Qwen 1.5B and 14B (APPS for code, MATH for math), and says that Llama 3B and
 * Ministral 8B have tails up to 16-24 thousand tokens. What it does not give is ours: the lengths of
 * the other models, all abilities, and how a total is shared among roles.
 */
export const DOMAINS: Readonly<Record<Domain, DomainProfile>> = {
  code: {
    models: [
      profile("Qwen2.5-1.5B-Instruct", [447, 1276], [5000, 12_000], -1.6),
      profile("Qwen2.5-3B-Instruct", [520, 900], [4000, 9000], -1.25),
      profile("Qwen2.5-7B-Instruct", [590, 640], [4000, 8000], -0.75),
      profile("Qwen2.5-14B-Instruct", [649, 534], null, -0.5),
      profile("Llama-3.2-3B-Instruct", [780, 2200], [10_000, 24_000], -1.35),
      profile("Ministral-3-8B-Instruct", [950, 1900], [8000, 16_000], -0.65),
    ],
    shapes: [
      {
        name: "planner-coder-qa-coder",
        roles: ["planner", "coder", "qa", "coder"],
        shares: [0.25, 0.4, 0.12, 0.23],
        longStage: 1,
        length: 1.35,
        gain: 0.2,
      },
      {
        name: "planner-coder",
        roles: ["planner", "coder"],
        shares: [0.4, 0.6],
        longStage: 1,
        length: 1,
        gain: 0.1,
      },
      { name: "coder", roles: ["coder"], shares: [1], longStage: 0, length: 0.65, gain: 0 },
    ],
  },
  math: {
    models: [
      profile("Qwen2.5-1.5B-Instruct", [606, 2587], [14_000, 24_000], -0.1),
      profile("Qwen2.5-3B-Instruct", [640, 1400], [8000, 16_000], 0.15),
      profile("Qwen2.5-7B-Instruct", [680, 900], [6000, 12_000], 0.4),
      profile("Qwen2.5-14B-Instruct", [709, 715], null, 0.6),
      profile("Llama-3.2-3B-Instruct", [820, 2400], [12_000, 24_000], -0.15),
      profile("Ministral-3-8B-Instruct", [1000, 2000], [8000, 16_000], 0.35),
    ],
    shapes: [
      {
        name: "planner-solver-verifier-solver",
        roles: ["planner", "solver", "verifier", "solver"],
        shares: [0.2, 0.42, 0.15, 0.23],
        longStage: 1,
        length: 1.3,
        gain: 0.2,
      },
      {
        name: "planner-solver",
        roles: ["planner", "solver"],
        shares: [0.35, 0.65],
        longStage: 1,
        length: 1,
        gain: 0.1,
      },
      { name: "solver", roles: ["solver"], shares: [1], longStage: 0, length: 0.7, gain: 0 },
    ],
  },
};

function profile(
  model: string,
  [meanTokens, deviationTokens]: readonly [number, number],
  runaway: readonly [number, number] | null,
  ability: number,
): ModelProfile {
  return {
    model,
    meanTokens,
    deviationTokens,
    runaway: runaway === null ? null : { from: runaway[0], to: runaway[1] },
    ability,
  };
}

/** Lengths as a mixture: a lognormal body and, with some chance, a run that never finds its end. */
export interface LengthMixture {
  readonly runawayChance: number;
  readonly bodyMean: number;
  /** Standard deviation of the logarithm of the body. */
  readonly bodyLogDeviation: number;
}

/** Body of a model that can run away: standard deviation over mean. */
const BODY_VARIATION = 0.6;
const BISECTIONS = 60;

/**
 * The mixture that has the mean and the standard deviation of a profile over the domain's shapes,
 * each as frequent as the others. Only the body is scaled by a shape's length.
 */
export function mixtureOf(
  model: ModelProfile,
  shapes: readonly Pick<WorkflowShape, "length">[],
): LengthMixture {
  const { meanTokens: mean, deviationTokens, runaway } = model;
  const square = deviationTokens * deviationTokens + mean * mean;
  const shapeSquare =
    shapes.reduce((sum, { length }) => sum + length * length, 0) / Math.max(1, shapes.length);
  if (runaway === null) {
    const variationSquare = square / (mean * mean * shapeSquare) - 1;
    return {
      runawayChance: 0,
      bodyMean: mean,
      bodyLogDeviation: Math.sqrt(Math.log(1 + variationSquare)),
    };
  }
  const { from, to } = runaway;
  const runawayMean = (from + to) / 2;
  const runawaySquare = (from * from + from * to + to * to) / 3;
  const bodyMeanAt = (chance: number): number => (mean - chance * runawayMean) / (1 - chance);
  const bodySquare = (1 + BODY_VARIATION * BODY_VARIATION) * shapeSquare;
  // The square grows with the chance of a runaway, which is worth far more than the body it takes from.
  let low = 0;
  let high = mean / runawayMean;
  for (let round = 0; round < BISECTIONS; round++) {
    const chance = (low + high) / 2;
    const reached = chance * runawaySquare + (1 - chance) * bodyMeanAt(chance) ** 2 * bodySquare;
    if (reached < square) low = chance;
    else high = chance;
  }
  return {
    runawayChance: low,
    bodyMean: bodyMeanAt(low),
    bodyLogDeviation: Math.sqrt(Math.log(1 + BODY_VARIATION * BODY_VARIATION)),
  };
}
