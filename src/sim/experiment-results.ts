import { z } from "zod";
import {
  nameOfPredictor,
  trialsOf,
  workflowsOf,
  type Experiment,
  type Trial,
} from "./experiment.ts";
import type { TrialResult } from "./experiment-run.ts";
import { readJsonLines, type JsonLines } from "./json-lines.ts";
import type { Distribution } from "./report.ts";

const number = z.number();
const distribution: z.ZodType<Distribution | null> = z
  .object({ mean: number, p50: number, p95: number, p99: number, longest: number })
  .nullable();

const resultSchema: z.ZodType<TrialResult> = z.object({
  experiment: z.string(),
  workload: z.string(),
  batchLimit: number,
  rate: z.object({ unit: z.enum(["load", "calls/s"]), value: number }),
  predictor: z.string(),
  policy: z.string(),
  family: z.string(),
  seed: number,
  workflowsPerSecond: number,
  capacityPerSecond: number.nullable(),
  report: z.object({
    policy: z.string(),
    workflows: number,
    completed: number,
    failed: z.record(z.string(), number),
    scoreMean: number,
    msPerToken: distribution,
    completionMs: distribution,
    queueWaitMs: distribution,
    modelShares: z.record(z.string(), number),
    requests: number,
  }),
  quantiles: z.object({ msPerToken: z.array(number), queueWaitMs: z.array(number) }),
});

/** Reads results that an earlier run wrote, one a line. */
export function readResults(file: string): Promise<JsonLines<TrialResult>> {
  return readJsonLines(file, resultSchema);
}

/** The results of an experiment in the order of its trials, and how many of those there is none for. */
export function matchResults(
  experiment: Experiment,
  results: readonly TrialResult[],
): { readonly results: readonly TrialResult[]; readonly missing: number } {
  const byKey = new Map(results.map((result) => [resultKey(result), result]));
  const trials = trialsOf(experiment);
  const found = trials.flatMap((trial) => byKey.get(trialKey(experiment, trial)) ?? []);
  return { results: found, missing: trials.length - found.length };
}

function resultKey(result: TrialResult): string {
  const { experiment, workload, batchLimit, rate, predictor, policy, seed, report } = result;
  return JSON.stringify([
    experiment,
    workload,
    report.workflows,
    batchLimit,
    rate.value,
    predictor,
    policy,
    seed,
  ]);
}

function trialKey(experiment: Experiment, trial: Trial): string {
  const { workload, batchLimit, rate, predictor, variant, seed } = trial;
  const predictorName = nameOfPredictor(predictor);
  return JSON.stringify([
    experiment.name,
    workload.name,
    workflowsOf(experiment, workload),
    batchLimit,
    rate.value,
    predictorName,
    variant.label,
    seed,
  ]);
}
