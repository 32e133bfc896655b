import { POLICIES } from "../core/policies.ts";
import { simulate } from "./driver.ts";
import type { SimulationOptions } from "./simulation.ts";
import { EngineModel } from "./engine-model.ts";
import { engineSpecOf } from "./engine-file.ts";
import type { RecordedWorkflow } from "./recorded-workload.ts";
import type { ScenarioEngine } from "./scenario.ts";
import { populate } from "./arrivals.ts";
import { createTruth } from "./truth.ts";

/** Workflows of one engine's backlog; enough that its ends do not count. */
const BACKLOG_WORKFLOWS = 2000;
/** Between two arrivals of the backlog: no time to speak of, but it tells which workflow is older. */
const BACKLOG_GAP_MS = 1e-3;
/** Share of the completions at either end that is left out: filling up and running dry. */
const EDGE = 0.1;

/**
 * Load 1: the workflows per second that the engines complete together under a permanent backlog,
 * each alone, the oldest workflow first. Workflows are drawn from the recorded ones with the seed.
 */
export function capacityPerSecond(
  engines: readonly ScenarioEngine[],
  workflows: readonly RecordedWorkflow[],
  seed: number,
): number {
  return engines.reduce((sum, engine) => sum + engineCapacity(engine, workflows, seed), 0);
}

function engineCapacity(
  engine: ScenarioEngine,
  recorded: readonly RecordedWorkflow[],
  seed: number,
): number {
  const backlog = populate(
    recorded.map((workflow) => onlyOn(workflow, engine.model)),
    Array.from({ length: BACKLOG_WORKFLOWS }, (_, index) => index * BACKLOG_GAP_MS),
    seed,
  );
  const policy = POLICIES["wffcfs"];
  if (policy === undefined) throw new Error("the policy wffcfs exists");
  const { workflows } = simulate({
    scheduler: { policy, seed, ...UNBOUNDED },
    engines: [{ spec: engineSpecOf(engine, 1), model: new EngineModel(engine, PLAIN_ENGINE) }],
    engineOrder: "fcfs",
    workflows: backlog,
    estimator: createTruth(backlog),
    queueWaitMsMax: Number.POSITIVE_INFINITY,
  });
  const ends = workflows.map((each) => each.endMs ?? 0).sort((a, b) => a - b);
  const from = Math.floor(ends.length * EDGE);
  const to = Math.floor(ends.length * (1 - EDGE));
  return (to - from) / (((ends[to] ?? 0) - (ends[from] ?? 0)) / 1000);
}

function onlyOn(workflow: RecordedWorkflow, model: string): RecordedWorkflow {
  const course = workflow.courses[model];
  if (course === undefined) throw new Error(`${workflow.taskId} was not recorded on ${model}`);
  return { ...workflow, courses: { [model]: course } };
}

/** An engine that serves in the order in which it was given its work. */
export const PLAIN_ENGINE = {
  preemption: "none",
  starvationThreshold: 0,
  starvationQuantum: 0,
  tokenEvents: false,
} as const;

/** Bounds that a simulation does without: its workload is finite. */
export const UNBOUNDED: Omit<SimulationOptions["scheduler"], "policy" | "seed"> = {
  predictionBudgetMs: 0,
  attemptsMax: 3,
  queueRequestsMax: Number.MAX_SAFE_INTEGER,
  workflowsMax: Number.MAX_SAFE_INTEGER,
  workflowIdleMs: Number.POSITIVE_INFINITY,
};
