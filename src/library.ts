/**
 * The package's entry for programs: the scheduler by itself, and the gateway around it.
 *
 * - `createScheduler(options)` gives the state of a fresh scheduler; `step(state, event)` is the whole of
 *   its behaviour, and `nextWakeMs(state)` says when it wants to be told that time has passed.
 * - `createGateway({ config })` builds a gateway that serves HTTP; `loadConfig` and `parseConfig` make its config.
 */
export { createState as createScheduler, type SchedulerOptions, type State } from "./core/state.ts";
export { nextWakeMs, step } from "./core/scheduler.ts";
export { view, type View } from "./core/view.ts";
export { AUTO, POLICIES } from "./core/policies.ts";
export type { Event } from "./core/event.ts";
export type { Command, StageRecord, WorkflowRecord } from "./core/command.ts";
export type {
  Candidate,
  Decision,
  EngineSpec,
  Estimate,
  Knobs,
  Outcome,
  OwnRules,
  Policy,
  PriorityClass,
} from "./core/types.ts";
export type { Config } from "./config/config.ts";
export type { PolicyModule } from "./config/policy-file.ts";
export { loadConfig, parseConfig, type ConfigResult, type ConfigSources } from "./config/load.ts";
export { createGateway, type Gateway } from "./gateway/server.ts";
export type { GatewayOptions } from "./gateway/gateway-options.ts";
export type { GatewayAddress } from "./gateway/front.ts";
