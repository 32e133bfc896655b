import type { Worker } from "node:worker_threads";
import { startWorker } from "../predict/worker-start.ts";
import { trialsOf, type Experiment } from "./experiment.ts";
import type { LearnedBytes } from "./experiment-learning.ts";
import type { TrialResult } from "./experiment-run.ts";
import type { TrialAnswer, TrialRequest, TrialWorkerData } from "./experiment.worker.ts";

export interface ThreadOptions {
  readonly dataFolder: string;
  /** At least 1. */
  readonly threads: number;
  readonly learned: LearnedBytes;
  /** After each trial. */
  readonly progress: (done: number, total: number) => void;
}

/**
 * Runs all trials of an experiment, spread over threads; the results come in the order of the trials
 * and do not depend on the number of threads. Rejects with the first error of a thread.
 */
export async function runExperiment(
  experiment: Experiment,
  options: ThreadOptions,
): Promise<TrialResult[]> {
  const trials = trialsOf(experiment);
  const results = new Map<number, TrialResult>();
  const { dataFolder, threads, learned, progress } = options;
  const data: TrialWorkerData = { experiment, dataFolder, learned };
  let next = 0;
  const take = (): TrialRequest | null => {
    const trial = trials[next];
    return trial === undefined ? null : { index: next++, trial };
  };
  const keep = ({ index, result }: TrialAnswer): void => {
    results.set(index, result);
    progress(results.size, trials.length);
  };
  const pool = Array.from({ length: Math.min(threads, trials.length) }, () =>
    startWorker(import.meta.url, "experiment.worker", data),
  );
  try {
    await Promise.all(pool.map((thread) => serve(thread, take, keep)));
  } finally {
    await Promise.all(pool.map((thread) => thread.terminate()));
  }
  return trials.flatMap((_, index) => results.get(index) ?? []);
}

/** Gives one thread trial after trial until there is none. */
function serve(
  port: Worker,
  take: () => TrialRequest | null,
  keep: (answer: TrialAnswer) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const giveNext = (): void => {
      const request = take();
      if (request === null) resolve();
      else port.postMessage(request);
    };
    port.on("error", reject);
    port.on("exit", (code) => reject(new Error(`a thread ended with code ${code}`)));
    port.on("message", (answer: TrialAnswer) => {
      keep(answer);
      giveNext();
    });
    giveNext();
  });
}
