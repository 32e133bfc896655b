import type { Estimate } from "../core/types.ts";
import { loadLearned, withLearned, type LearnedFiles } from "./learned.ts";
import type { BatchEstimates, BatchItem, PredictionModel } from "./model-port.ts";

/** The source of what no model has said; the caller puts its own estimate there. */
export const NOTHING_LEARNED = "nothing";

/** The module that a prediction thread runs (model-port.ts). Throws when a file is refused. */
export function createModel(data: unknown): PredictionModel {
  if (!isLearnedFiles(data)) throw new TypeError("a learned model is given its files");
  const result = loadLearned(data);
  if (!result.ok) throw new Error(result.message);
  const { models } = result;
  return {
    predict: (batch: readonly BatchItem[]): BatchEstimates =>
      batch.map(({ facts, models: names }) => withLearned(models, facts, names.map(nothing))),
  };
}

function isLearnedFiles(data: unknown): data is LearnedFiles {
  if (typeof data !== "object" || data === null) return false;
  if (!("length" in data && "router" in data && "priors" in data)) return false;
  return [data.length, data.router].every((file) => file === null || file instanceof Uint8Array);
}

function nothing(model: string): Estimate {
  return {
    model,
    confidence: 0.5,
    remainingMean: 0,
    remainingMedian: 0,
    stageTokens: 0,
    source: NOTHING_LEARNED,
  };
}
