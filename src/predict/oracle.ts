import type { Estimate } from "../core/types.ts";
import type { Estimator, StageFacts } from "./port.ts";

/** What truly happens from a stage on, should a model serve it. Null parts are left to the other estimator. */
export interface Truth {
  /** Output tokens. */
  readonly lengths: { readonly stage: number; readonly remaining: number } | null;
  /** 0..1 */
  readonly score: number | null;
}

/** Null where the stage is not part of the played workload. */
export type TruthLookup = (facts: StageFacts, model: string) => Truth | null;

/**
 * Knows how a played workload goes: for experiments on what prediction is worth, with true lengths,
 * true scores or both. What the lookup does not tell is answered by `otherwise`, which also learns.
 */
export function createOracle(lookup: TruthLookup, otherwise: Estimator): Estimator {
  return {
    estimate: (facts, models) =>
      otherwise
        .estimate(facts, models)
        .map((estimate) => withTruth(estimate, lookup(facts, estimate.model))),
    stageEnded: (seen) => otherwise.stageEnded(seen),
    workflowEnded: (seen) => otherwise.workflowEnded(seen),
  };
}

function withTruth(estimate: Estimate, truth: Truth | null): Estimate {
  if (truth === null || (truth.lengths === null && truth.score === null)) return estimate;
  const { lengths, score } = truth;
  return {
    model: estimate.model,
    confidence: score ?? estimate.confidence,
    remainingMean: lengths?.remaining ?? estimate.remainingMean,
    remainingMedian: lengths?.remaining ?? estimate.remainingMedian,
    stageTokens: lengths?.stage ?? estimate.stageTokens,
    source: "oracle",
  };
}
