/**
 * Entry of a thread that runs trials, one at a time. It acts on import, because that is what a
 * thread's entry is for.
 */
import { parentPort, workerData } from "node:worker_threads";
import type { Experiment, Trial } from "./experiment.ts";
import type { LearnedBytes } from "./experiment-learning.ts";
import { withOwnRules } from "./experiment-policy.ts";
import { runTrial, type TrialResult } from "./experiment-run.ts";
import { ExperimentWorkloads } from "./experiment-workload.ts";

export interface TrialWorkerData {
  readonly experiment: Experiment;
  readonly dataFolder: string;
  readonly learned: LearnedBytes;
}

export interface TrialRequest {
  readonly index: number;
  readonly trial: Trial;
}

export interface TrialAnswer {
  readonly index: number;
  readonly result: TrialResult;
}

if (parentPort === null) throw new Error("this file is the entry of a thread");
const port = parentPort;
const { experiment, dataFolder, learned }: TrialWorkerData = workerData;
const workloads = new ExperimentWorkloads(experiment, dataFolder, learned);

async function answer({ index, trial }: TrialRequest): Promise<void> {
  const played = await workloads.play(trial);
  const result = runTrial(experiment.name, await withOwnRules(trial), played);
  port.postMessage({ index, result } satisfies TrialAnswer);
}

port.on("message", (request: TrialRequest) => void answer(request).catch(fail));

/** Out of the promise, so that the thread ends with the error. */
function fail(error: unknown): void {
  setImmediate(() => {
    throw error;
  });
}
