import type { Estimate } from "../core/types.ts";
import type { StageFacts } from "./port.ts";

/** One request for a prediction, as a model sees it. */
export interface BatchItem {
  readonly facts: StageFacts;
  readonly models: readonly string[];
  /** Time left until its deadline when the batch was sent; an answer after it is thrown away. */
  readonly budgetMs: number;
}

/** For each item, in order: one estimate per model in the item's order, or null where it has none. */
export type BatchEstimates = readonly (readonly Estimate[] | null)[];

/** Lives in a thread of its own, and gets one batch at a time. What it throws costs that batch. */
export interface PredictionModel {
  predict(batch: readonly BatchItem[]): BatchEstimates | Promise<BatchEstimates>;
}

/**
 * What a model's module exports. `data` is a structured clone of what the service was given.
 * Where it throws, the thread ends.
 */
export interface ModelModule {
  readonly createModel: (data: unknown) => PredictionModel | Promise<PredictionModel>;
}

/** From the service to its thread: at the start, and then batch by batch. */
export interface ThreadData {
  readonly moduleUrl: string;
  readonly data: unknown;
}

/** From the thread. */
export type ThreadMessage =
  | { readonly type: "ready" }
  | { readonly type: "predicted"; readonly estimates: BatchEstimates }
  | { readonly type: "failed"; readonly message: string };
