import type { Decision, Outcome, PriorityClass } from "./types.ts";

/** Ask the predictor; the answer counts until `deadlineMs`. */
export interface Predict {
  readonly type: "predict";
  readonly requestId: string;
  readonly models: readonly string[];
  readonly deadlineMs: number;
}

/** Send the request to the engine now. */
export interface Dispatch {
  readonly type: "dispatch";
  readonly requestId: string;
  readonly engine: string;
  /** 1 for the first; events about an earlier attempt are ignored. */
  readonly attempt: number;
  /** The key it was queued under: smaller is sooner. For engines that order their own queue. */
  readonly priority: number;
  readonly queuedMs: number;
  readonly decision: Decision;
}

/** Stop the engine's work on the request; its books are already closed. */
export interface Abort {
  readonly type: "abort";
  readonly requestId: string;
  readonly engine: string;
  readonly attempt: number;
}

/** End the request without (further) help of an engine, and tell the client why. */
export interface Reject {
  readonly type: "reject";
  readonly requestId: string;
  readonly outcome: Outcome;
  /** When trying again makes sense, or null when it does not. */
  readonly retryAfterMs: number | null;
}

/** A finished request, once, with everything that was decided and seen. */
export interface StageRecord {
  readonly type: "record-stage";
  readonly requestId: string;
  readonly workflowId: string;
  readonly stage: number;
  readonly pool: string;
  readonly class: PriorityClass;
  /** Name of the tenant that sent it, where that may be shown. */
  readonly tenant: string | null;
  readonly outcome: Outcome;
  readonly engine: string | null;
  readonly model: string | null;
  readonly attempts: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
  readonly arrivedMs: number;
  /** When it was queued, dispatched and gave its first token; null where that never happened. */
  readonly queuedMs: number | null;
  readonly dispatchedMs: number | null;
  readonly firstTokenMs: number | null;
  readonly endedMs: number;
  readonly decision: Decision | null;
}

/** A finished workflow, once. */
export interface WorkflowRecord {
  readonly type: "record-workflow";
  readonly workflowId: string;
  readonly arrivedMs: number;
  readonly endedMs: number;
  /** Requests that ended, in whatever outcome. */
  readonly stages: number;
  readonly completedStages: number;
  readonly outputTokens: number;
  readonly score: number | null;
  /** ended: declared. idle: nothing came for long. evicted: room was needed. */
  readonly end: "ended" | "idle" | "evicted";
  /** Models that served at least one stage, in order of first use. */
  readonly models: readonly string[];
}

export type Command = Predict | Dispatch | Abort | Reject | StageRecord | WorkflowRecord;
