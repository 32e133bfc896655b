import type { Estimate } from "../core/types.ts";
import { NOTHING_LEARNED } from "./learned-model.ts";
import type { ServiceClock } from "./model-thread.ts";
import type { ServedFiles } from "./open-learned.ts";
import type { Estimator, Predictor, StageFacts } from "./port.ts";
import type {
  PredictionServiceCounts,
  PredictionServiceLimits,
  SwapResult,
} from "./service-limits.ts";
import { PredictionService } from "./service.ts";

export interface LearnedPredictorOptions {
  readonly files: ServedFiles;
  /** Says what the models have not learned. */
  readonly base: Estimator;
  readonly clock: ServiceClock;
  readonly onProblem: (message: string) => void;
  readonly limits?: Partial<PredictionServiceLimits>;
}

const MODULE = new URL(
  import.meta.url.endsWith(".ts") ? "./learned-model.ts" : "./learned-model.js",
  import.meta.url,
);

/** Learned models in a thread of their own, completed by an estimator that answers at once. */
export class LearnedPredictor implements Predictor {
  readonly name = "learned";
  readonly #service: PredictionService;
  readonly #base: Estimator;

  constructor({ files, base, clock, onProblem, limits = {} }: LearnedPredictorOptions) {
    this.#base = base;
    const moduleUrl = MODULE.href;
    this.#service = new PredictionService({
      name: this.name,
      moduleUrl,
      data: files,
      clock,
      onProblem,
      limits,
    });
  }

  /** Whether the models were loaded; before, every prediction is null. */
  ready(): Promise<boolean> {
    return this.#service.ready();
  }

  /** Takes other files in without losing a request; refused ones change nothing. */
  swap(files: ServedFiles): Promise<SwapResult> {
    return this.#service.swap(files);
  }

  counts(): PredictionServiceCounts {
    return this.#service.counts();
  }

  async predict(
    facts: StageFacts,
    models: readonly string[],
    deadlineMs: number,
  ): Promise<Estimate[] | null> {
    const learned = await this.#service.predict(facts, models, deadlineMs);
    if (learned === null) return null;
    const base = this.#base.estimate(facts, models);
    return learned.map((estimate, index) => completed(estimate, base[index] ?? estimate));
  }

  close(): Promise<void> {
    return this.#service.close();
  }
}

function completed(learned: Estimate, base: Estimate): Estimate {
  const saysLengths = learned.source.startsWith("forest");
  const saysConfidence =
    learned.source !== NOTHING_LEARNED && learned.source !== `forest ${NOTHING_LEARNED}`;
  const source = learned.source.replace(NOTHING_LEARNED, base.source);
  const confidence = saysConfidence ? learned.confidence : base.confidence;
  return saysLengths ? { ...learned, confidence, source } : { ...base, confidence, source };
}
