import type { LengthRecipe } from "../predict/length-features.ts";
import { trainLength } from "../predict/length-training.ts";
import { trainRouter } from "../predict/router-training.ts";
import { isLearned, type Experiment } from "./experiment.ts";
import type { PredictorSpec } from "./experiment-document.ts";
import { readRecorded, type RecordedFiles } from "./experiment-source.ts";
import { lengthExamples } from "./length-examples.ts";
import { routerExamples } from "./router-examples.ts";
import type { Run } from "./run-file.ts";

/** Bytes of model files by what they were learned from; see `learnedKey`. */
export type LearnedBytes = Readonly<Record<string, Uint8Array>>;

/** Runs that teach; the others are played. */
export const TRAINING_PARTS: readonly string[] = ["train"];
const SEED = 1;
/** Of the data, not of the day: the same runs give the same bytes. */
const DATE = "recorded";

/** Learns predictors from recorded runs, each once for all experiments that ask for it. */
export class ExperimentLearning {
  readonly #dataFolder: string;
  readonly #bytes = new Map<string, Uint8Array>();

  constructor(dataFolder: string) {
    this.#dataFolder = dataFolder;
  }

  /** The model files that the predictors of an experiment need. Throws when runs cannot be read. */
  async filesFor({ workloads, predictors, variants }: Experiment): Promise<LearnedBytes> {
    const needed: Record<string, Uint8Array> = {};
    const parts = partsOf([...predictors, ...variants.flatMap(({ predictor }) => predictor ?? [])]);
    for (const { recorded } of workloads) {
      if (recorded === undefined) continue;
      for (const part of parts) {
        const key = learnedKey(recorded, part);
        needed[key] = this.#bytes.get(key) ?? (await this.#learn(recorded, part));
        this.#bytes.set(key, needed[key]);
      }
    }
    return needed;
  }

  async #learn(recorded: RecordedFiles, part: LearnedPart): Promise<Uint8Array> {
    const { runs, ...texts } = await readRecorded(recorded, this.#dataFolder);
    const played = runs.map(asPlayed);
    const options = { seed: SEED, date: DATE };
    if (part === "router") {
      return trainRouter(routerExamples(played, texts, TRAINING_PARTS), options);
    }
    const { examples } = lengthExamples(played, texts, TRAINING_PARTS);
    return trainLength(examples, { recipe: part, ...options });
  }
}

type LearnedPart = LengthRecipe | "router";

function partsOf(predictors: readonly PredictorSpec[]): Set<LearnedPart> {
  return new Set(
    predictors
      .filter(isLearned)
      .flatMap(({ learned: { lengths, router } }) => [
        ...(lengths === undefined ? [] : [lengths]),
        ...(router === true ? ["router" as const] : []),
      ]),
  );
}

export function learnedKey({ runs }: RecordedFiles, part: LearnedPart): string {
  return JSON.stringify([runs, part]);
}

/**
 * A run as a workload plays it: what other models than that of the first stage said (critics) is part
 * of what came back, so that a predictor learns from what it will see.
 */
export function asPlayed(run: Run): Run {
  const model = run.stages[0]?.model;
  const stages: Run["stages"][number][] = [];
  for (const stage of run.stages) {
    const last = stages.at(-1);
    if (stage.model === model || last === undefined) stages.push(stage);
    else {
      const env = [last.env, stage.out].filter((text) => text !== "").join("\n");
      stages[stages.length - 1] = { ...last, env };
    }
  }
  return { ...run, stages };
}
