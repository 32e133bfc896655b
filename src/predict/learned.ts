import type { Estimate } from "../core/types.ts";
import { loadLengthModel, type LengthModel } from "./length-model.ts";
import type { Estimator, StageFacts, StageSeen, WorkflowSeen } from "./port.ts";
import { loadRouterModel, type RouterModel, type RouterPriors } from "./router-model.ts";

/** The bytes of model files; null where there is none. */
export interface LearnedFiles {
  readonly length: Uint8Array | null;
  readonly router: Uint8Array | null;
  /** Where the router knows no outcome of a model. */
  readonly priors: RouterPriors;
}

export interface LearnedModels {
  readonly length: LengthModel | null;
  readonly router: RouterModel | null;
}

export type LearnedResult =
  | { readonly ok: true; readonly models: LearnedModels }
  | { readonly ok: false; readonly message: string };

/** Reads model files; one that is damaged or of another version is refused with its reason. */
export function loadLearned({ length, router, priors }: LearnedFiles): LearnedResult {
  const lengthModel = length === null ? null : loadLengthModel(length);
  if (lengthModel !== null && !lengthModel.ok) {
    return { ok: false, message: `length model: ${lengthModel.fault.message}` };
  }
  const routerModel = router === null ? null : loadRouterModel(router, priors);
  if (routerModel !== null && !routerModel.ok) {
    return { ok: false, message: `router model: ${routerModel.fault.message}` };
  }
  return {
    ok: true,
    models: { length: lengthModel?.value ?? null, router: routerModel?.value ?? null },
  };
}

/**
 * Puts what the models have learned in the place of what `base` says: lengths where there is a length
 * model and the client has said nothing better, confidence where the router knows outcomes of the model.
 */
export function withLearned(
  learned: LearnedModels,
  facts: StageFacts,
  base: readonly Estimate[],
): Estimate[] {
  const { length, router } = learned;
  const names = base.map((estimate) => estimate.model);
  const confidences = router === null ? [] : router.confidence(facts, names);
  const isHinted = facts.expectedOutputTokens !== null || facts.callsLeft !== null;
  const features = length === null || isHinted ? null : length.features(facts);
  return base.map((estimate, index) => {
    const routed = confidences[index];
    const knows = routed !== undefined && !routed.source.includes("prior");
    const confidence = knows ? routed.confidence : estimate.confidence;
    if (length === null || features === null) {
      const source = knows ? `${estimate.source} ${routed.source}` : estimate.source;
      return { ...estimate, confidence, source };
    }
    const { mean, median, quantiles, stageTokens } = length.predict(features, estimate.model);
    const limit = facts.outputTokensMax ?? Number.POSITIVE_INFINITY;
    const source = `forest ${knows ? routed.source : estimate.source}`;
    return {
      model: estimate.model,
      confidence,
      remainingMean: mean,
      remainingMedian: median,
      remainingRange: [quantiles[0] ?? median, quantiles.at(-1) ?? median],
      stageTokens: Math.min(stageTokens, limit),
      source,
    };
  });
}

/** Answers at once by the learned models over another estimator, which goes on learning. */
export class LearnedEstimator implements Estimator {
  readonly #learned: LearnedModels;
  readonly #base: Estimator;

  constructor(learned: LearnedModels, base: Estimator) {
    this.#learned = learned;
    this.#base = base;
  }

  estimate(facts: StageFacts, models: readonly string[]): Estimate[] {
    return withLearned(this.#learned, facts, this.#base.estimate(facts, models));
  }

  stageEnded(seen: StageSeen): void {
    this.#base.stageEnded(seen);
  }

  workflowEnded(seen: WorkflowSeen): void {
    this.#base.workflowEnded(seen);
  }
}
