import type { Estimate } from "../core/types.ts";
import { withLearned } from "./learned.ts";
import type { BatchEstimates, BatchItem, PredictionModel } from "./model-port.ts";
import { isEncoderPath, openLearned, type ServedFiles } from "./open-learned.ts";
import type { StageFacts } from "./port.ts";

/** The source of what no model has said; the caller puts its own estimate there. */
export const NOTHING_LEARNED = "nothing";

/** The module that a prediction thread runs (model-port.ts). Rejects when a file is refused. */
export async function createModel(data: unknown): Promise<PredictionModel> {
  if (!isServedFiles(data)) throw new TypeError("a learned model is given its files");
  const result = await openLearned(data);
  if (!result.ok) throw new Error(result.message);
  const { models, encoder } = result.opened;
  return {
    predict: async (batch: readonly BatchItem[]): Promise<BatchEstimates> => {
      const router = encoder === null ? models.router : await encoder.read(batch.map(factsOf));
      return batch.map(({ facts, models: names }) =>
        withLearned({ ...models, router }, facts, names.map(nothing)),
      );
    },
  };
}

function factsOf({ facts }: BatchItem): StageFacts {
  return facts;
}

function isServedFiles(data: unknown): data is ServedFiles {
  if (typeof data !== "object" || data === null) return false;
  if (!("length" in data && "router" in data && "priors" in data)) return false;
  const { length, router } = data;
  if (isEncoderPath(router)) return length === null || length instanceof Uint8Array;
  return [length, router].every((file) => file === null || file instanceof Uint8Array);
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
