import type { SchedulerOptions } from "../core/state.ts";
import type { EngineSpec } from "../core/types.ts";
import type { Config, EngineConfig, EngineKind } from "./config.ts";

/** These drop a queued request whose client left, so one more than the limit may be given (findings, "Place"). */
const OVER_COMMITTED: ReadonlySet<EngineKind> = new Set<EngineKind>(["vllm", "sglang"]);

/** What the core has to know of a config. */
export function coreConfigOf(config: Config): SchedulerOptions {
  const { limits, policy } = config;
  if (policy.file !== undefined && policy.own === undefined) {
    throw new TypeError(`the policy of ${policy.file} is not loaded; use loadConfig`);
  }
  return {
    policy,
    seed: config.seed,
    predictionBudgetMs: config.prediction.budgetMs,
    attemptsMax: limits.attemptsMax,
    queueRequestsMax: limits.queueRequestsMax,
    queueTokensMax: limits.queueTokensMax,
    workflowsMax: limits.workflowsMax,
    workflowIdleMs: limits.workflowIdleMsMax,
    engines: config.engines.map(engineSpecOf),
  };
}

/** The profile is the step time of a full batch, as Algorithm 1 wants it, taken from the speed. */
export function engineSpecOf(engine: EngineConfig): EngineSpec {
  const { speed, maxConcurrency } = engine;
  return {
    name: engine.name,
    model: engine.model,
    maxSequences: maxConcurrency,
    kvTokens: engine.kvTokens,
    overCommit: OVER_COMMITTED.has(engine.kind) ? 1 : 0,
    queuePlace: "gateway",
    speed,
    profileMsPerToken: speed.baseMs + speed.perSequenceMs * maxConcurrency,
    profileBatch: maxConcurrency,
  };
}
