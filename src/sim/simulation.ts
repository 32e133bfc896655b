import type { Command } from "../core/command.ts";
import type { Event } from "../core/event.ts";
import type { SchedulerOptions, State } from "../core/state.ts";
import type { Order } from "../core/types.ts";
import type { Estimator } from "../predict/port.ts";
import type { Disturbances } from "./disturbance.ts";
import type { SimulatedEngine } from "./engine-seat.ts";
import type { RunningWorkflow } from "./running-workflow.ts";
import type { PlayableWorkflow } from "./workload.ts";

/** Everything but the workload. */
interface SimulationSettings {
  readonly scheduler: Omit<SchedulerOptions, "engines">;
  readonly engines: readonly SimulatedEngine[];
  /** How the engines order what waits inside them. */
  readonly engineOrder: Order;
  readonly estimator: Estimator;
  readonly queueWaitMsMax: number;
  /** Nothing goes wrong unless given. */
  readonly disturbances?: Disturbances;
  /** Whether the estimator is shown texts; only learned ones read them. */
  readonly showsText?: boolean;
  /** Whether workflows try one model after the other; see RunningOptions. */
  readonly cascades?: boolean;
  /** Sees every stage as it ends; nothing is kept of it otherwise. */
  readonly onStage?: (stage: StageResult) => void;
  /** Sees every step: for logs and what-if. */
  readonly observe?: (event: Event, commands: readonly Command[]) => void;
}

export interface SimulationOptions extends SimulationSettings {
  readonly workflows: readonly PlayableWorkflow[];
}

export interface StreamOptions extends SimulationSettings {
  /** In order of arrival; each is asked for when the one before it has arrived. */
  readonly workflows: Iterable<PlayableWorkflow>;
  /** Sees every workflow as it ends; nothing is kept of it otherwise. Those that never end come last. */
  readonly onWorkflow: (running: RunningWorkflow) => void;
}

/** A stage as it was served. Times in ms. */
export interface StageResult {
  readonly workflow: string;
  readonly stage: number;
  readonly engine: string;
  readonly model: string;
  readonly readyMs: number;
  /** When an engine first admitted it. */
  readonly startMs: number;
  readonly endMs: number;
  readonly preemptions: number;
}

export interface SimulationResult {
  /** In the order of the workload. */
  readonly workflows: readonly RunningWorkflow[];
  readonly state: State;
}
