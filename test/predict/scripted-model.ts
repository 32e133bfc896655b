import type { Estimate } from "../../src/core/types.ts";
import type { BatchEstimates, BatchItem, PredictionModel } from "../../src/predict/model-port.ts";

export interface ScriptedModelData {
  /** Shared with the test: [0] stays 0 as long as a "gate" request blocks the thread, [1] counts batches. */
  readonly cells: SharedArrayBuffer;
  readonly start: "ready" | "throws" | "blocks";
}

/** A model whose requests say by their kind what shall go wrong; any other kind is answered. */
export function createModel({ cells, start }: ScriptedModelData): PredictionModel {
  const view = new Int32Array(cells);
  if (start === "throws") throw new Error("no model here");
  if (start === "blocks") Atomics.wait(view, 0, 0);
  return { predict: (batch) => predictBatch(view, batch) };
}

function predictBatch(cells: Int32Array, batch: readonly BatchItem[]): BatchEstimates {
  const kinds = batch.map(({ facts }) => facts.kind);
  Atomics.add(cells, 1, 1);
  if (kinds.includes("throws")) throw new Error("cannot predict");
  if (kinds.includes("exits")) process.exit(3);
  if (kinds.includes("gate")) Atomics.wait(cells, 0, 0);
  return batch.map((item) => answerTo(item, batch.length));
}

function answerTo({ facts, models, budgetMs }: BatchItem, batchSize: number): Estimate[] | null {
  const estimates = models.map((model): Estimate => ({
    model,
    confidence: facts.kind === "unsound" ? 7 : 0.5,
    remainingMean: facts.promptTokens * 2,
    remainingMedian: facts.promptTokens,
    stageTokens: facts.promptTokens,
    source: `scripted, batch of ${batchSize}, ${budgetMs} ms left`,
  }));
  if (facts.kind === "none") return null;
  return facts.kind === "reversed" ? estimates.toReversed() : estimates;
}
