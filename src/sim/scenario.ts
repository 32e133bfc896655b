import { z } from "zod";
import type { EngineSpec, Policy } from "../core/types.ts";
import { simulate } from "./driver.ts";
import type { StageResult } from "./simulation.ts";
import { EngineModel, type EngineModelSpec } from "./engine-model.ts";
import { createTruth } from "./truth.ts";
import type { PlayableCourse, PlayableStage, PlayableWorkflow } from "./workload.ts";

/** An engine in the terms of a scenario file: its timing, its limits, and what was profiled of it. */
export interface ScenarioEngine extends EngineModelSpec {
  readonly name: string;
  readonly model: string;
  readonly profileMsPerToken: number;
  readonly profileBatch: number;
}

export interface ScenarioPolicy {
  readonly choice: "balancer" | "paper";
  readonly order: "fcfs" | "stjf" | "sjf" | "wffcfs";
  readonly preemption: "none" | "recompute";
  readonly slack: number;
  readonly minGain: number;
  readonly ownWork: boolean;
  readonly starvationThreshold: number;
  readonly starvationQuantum: number;
}

export interface ScenarioWorkflow {
  readonly id: string;
  readonly arrivalMs: number;
  readonly confidence: Readonly<Record<string, number>>;
  readonly models: Readonly<
    Record<
      string,
      {
        readonly score: number;
        readonly stages: readonly Omit<PlayableStage, "role" | "out" | "env">[];
      }
    >
  >;
}

/** A small deterministic case whose rows can be worked out on paper: engines, policy, workflows. */
export interface Scenario {
  readonly name: string;
  readonly engines: readonly ScenarioEngine[];
  readonly policy: ScenarioPolicy;
  readonly workflows: readonly ScenarioWorkflow[];
}

const milliseconds = z.number().nonnegative();
const tokens = z.number().int().positive();

const engineSchema: z.ZodType<ScenarioEngine> = z.object({
  name: z.string().min(1),
  model: z.string().min(1),
  maxSequences: tokens,
  kvTokens: tokens,
  chunkTokens: tokens,
  baseMs: milliseconds,
  perSequenceMs: milliseconds,
  perKvTokenMs: milliseconds,
  perPromptTokenMs: milliseconds,
  prefixCache: z.boolean(),
  profileMsPerToken: milliseconds,
  profileBatch: z.number().positive(),
});

const stageSchema = z.object({
  promptTokens: tokens,
  outputTokens: tokens,
  toolMs: milliseconds.default(0),
  predictedRemaining: z.number().nonnegative().nullable().default(null),
});

const scenarioSchema: z.ZodType<Scenario> = z.object({
  name: z.string().default("scenario"),
  engines: z.array(engineSchema).min(1),
  policy: z.object({
    choice: z.enum(["balancer", "paper"]),
    order: z.enum(["fcfs", "stjf", "sjf", "wffcfs"]),
    preemption: z.enum(["none", "recompute"]).default("none"),
    slack: z.number().nonnegative().default(0),
    minGain: z.number().default(0),
    ownWork: z.boolean().default(false),
    starvationThreshold: z.number().int().nonnegative().default(0),
    starvationQuantum: z.number().int().nonnegative().default(0),
  }),
  workflows: z.array(
    z.object({
      id: z.string().min(1),
      arrivalMs: milliseconds,
      confidence: z.record(z.string(), z.number()).default({}),
      models: z.record(
        z.string(),
        z.object({ score: z.number().default(0), stages: z.array(stageSchema).min(1) }),
      ),
    }),
  ),
});

export type ScenarioResult =
  | { readonly ok: true; readonly scenario: Scenario }
  | { readonly ok: false; readonly problems: readonly string[] };

/** Checks a parsed scenario file; all problems at once. Unknown keys (claims, expectations) are left alone. */
export function parseScenario(value: unknown): ScenarioResult {
  const parsed = scenarioSchema.safeParse(value);
  if (!parsed.success) {
    const problems = parsed.error.issues.map((each) => `${each.path.join(".")}: ${each.message}`);
    return { ok: false, problems };
  }
  const { engines, workflows } = parsed.data;
  const problems = workflows.flatMap(({ id, models }) =>
    engines
      .filter((engine) => models[engine.model] === undefined)
      .map((engine) => `workflow ${id} has no stages for model ${engine.model}`),
  );
  return problems.length > 0 ? { ok: false, problems } : { ok: true, scenario: parsed.data };
}

/**
 * Runs a scenario: requests go to an engine at once and wait inside it, in the policy's order, as in
 * an engine that honours priorities. Rows in the order in which stages ended.
 */
export function runScenario(scenario: Scenario): readonly StageResult[] {
  const { policy } = scenario;
  const workflows = scenario.workflows.map(toWorkflow);
  const stages: StageResult[] = [];
  simulate({
    scheduler: {
      policy: schedulerPolicy(policy),
      seed: 1,
      predictionBudgetMs: 0,
      attemptsMax: 1,
      queueRequestsMax: Number.MAX_SAFE_INTEGER,
      workflowsMax: Number.MAX_SAFE_INTEGER,
      workflowIdleMs: Number.POSITIVE_INFINITY,
    },
    engines: scenario.engines.map((engine) => ({
      spec: engineSpec(engine),
      model: new EngineModel(engine, {
        preemption: policy.preemption,
        starvationThreshold: policy.starvationThreshold,
        starvationQuantum: policy.starvationQuantum,
        tokenEvents: false,
      }),
    })),
    engineOrder: policy.order,
    workflows,
    estimator: createTruth(workflows),
    queueWaitMsMax: Number.POSITIVE_INFINITY,
    onStage: (stage) => stages.push(stage),
  });
  return stages;
}

function schedulerPolicy(policy: ScenarioPolicy): Policy {
  const { choice, order, slack, minGain, ownWork } = policy;
  return {
    choice,
    order,
    assign: choice === "paper" ? "workflow" : "stage",
    price: 0,
    target: null,
    slack,
    minGain,
    ownWork,
    countsRunning: true,
    countsDelay: true,
    liveBatch: true,
    orderBy: "choice",
    starvationThreshold: 0,
    starvationQuantum: 0,
    ageScale: 10,
    lateChoiceRequestsMax: 0,
    stickinessBonus: null,
  };
}

function engineSpec(engine: ScenarioEngine): EngineSpec {
  const { name, model, maxSequences, kvTokens, profileMsPerToken, profileBatch } = engine;
  const { baseMs, perSequenceMs, perKvTokenMs, perPromptTokenMs } = engine;
  return {
    name,
    model,
    maxSequences,
    kvTokens,
    overCommit: 0,
    queuePlace: "engine",
    speed: { baseMs, perSequenceMs, perKvTokenMs, perPromptTokenMs },
    profileMsPerToken,
    profileBatch,
  };
}

function toWorkflow(each: ScenarioWorkflow): PlayableWorkflow {
  const courses: Record<string, PlayableCourse> = {};
  for (const [model, { score, stages }] of Object.entries(each.models)) {
    courses[model] = {
      score,
      stages: stages.map((stage) => ({ role: null, out: "", env: "", ...stage })),
    };
  }
  const { id, arrivalMs, confidence } = each;
  const texts = { system: "", user: "" };
  return { id, taskId: id, kind: "scenario", arrivalMs, confidence, ...texts, courses };
}
