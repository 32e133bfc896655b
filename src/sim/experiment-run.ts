import { PLAIN_ENGINE, UNBOUNDED } from "./capacity.ts";
import { simulate } from "./driver.ts";
import type { StageResult } from "./simulation.ts";
import { engineSpecOf } from "./engine-file.ts";
import { EngineModel } from "./engine-model.ts";
import { nameOfPredictor, predictorOf, type Rate, type Trial } from "./experiment.ts";
import { createExperimentEstimator } from "./experiment-predictor.ts";
import type { PlayedTrial } from "./experiment-workload.ts";
import { outcomesOf, reportOf, type PolicyReport, type WorkflowOutcome } from "./report.ts";

/** One line of the results: what was run, and how it went. */
export interface TrialResult {
  readonly experiment: string;
  readonly workload: string;
  readonly batchLimit: number;
  readonly rate: Rate;
  readonly predictor: string;
  readonly policy: string;
  /** The sweep that the policy is a point of; else its own name. */
  readonly family: string;
  readonly seed: number;
  readonly workflowsPerSecond: number;
  readonly capacityPerSecond: number | null;
  readonly report: PolicyReport;
  readonly quantiles: Quantiles;
}

/** Values at QUANTILE_SHARES, of completed workflows. */
export interface Quantiles {
  readonly msPerToken: readonly number[];
  readonly queueWaitMs: readonly number[];
}

export const QUANTILE_SHARES: readonly number[] = [
  0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 1,
];

/** One simulation, the queues in front of the engines as in the gateway. The same answer from the same arguments. */
export function runTrial(
  experiment: string,
  trial: Trial,
  played: PlayedTrial,
  onStage?: (stage: StageResult) => void,
): TrialResult {
  const { workload, batchLimit, rate, predictor, variant, seed } = trial;
  const { workflows, recorded, learned } = played;
  const result = simulate({
    scheduler: { policy: variant.policy, seed, ...UNBOUNDED },
    engines: played.engines.map((engine) => ({
      spec: engineSpecOf(engine, variant.overCommit),
      model: new EngineModel(engine, PLAIN_ENGINE),
    })),
    engineOrder: "fcfs",
    workflows,
    estimator: createExperimentEstimator(
      predictorOf(trial),
      { workflows, training: recorded.training, learned },
      seed,
    ),
    showsText: learned !== null,
    cascades: variant.cascades,
    ...(onStage === undefined ? {} : { onStage }),
    ...(played.disturbances === null ? {} : { disturbances: played.disturbances }),
    queueWaitMsMax: Number.POSITIVE_INFINITY,
  });
  const outcomes = outcomesOf(result);
  return {
    experiment,
    workload: workload.name,
    batchLimit,
    rate,
    predictor: nameOfPredictor(predictor),
    policy: variant.label,
    family: variant.sweep?.family ?? variant.label,
    seed,
    workflowsPerSecond: played.workflowsPerSecond,
    capacityPerSecond: played.capacityPerSecond,
    report: reportOf(variant.label, outcomes),
    quantiles: quantilesOf(outcomes.filter((each) => each.outcome === "completed")),
  };
}

function quantilesOf(completed: readonly WorkflowOutcome[]): Quantiles {
  return {
    msPerToken: atShares(
      completed.map((each) => (each.endMs - each.arrivalMs) / Math.max(1, each.outputTokens)),
    ),
    queueWaitMs: atShares(completed.map((each) => each.queueWaitMs)),
  };
}

/** The nearest rank at each share, as in reports. */
function atShares(values: readonly number[]): number[] {
  const rising = values.toSorted((a, b) => a - b);
  return QUANTILE_SHARES.map((share) => rising[Math.ceil(share * rising.length) - 1] ?? 0);
}
