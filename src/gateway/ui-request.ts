import type { StageRecord } from "../core/command.ts";
import type { Decision, Outcome, PriorityClass } from "../core/types.ts";
import type { RequestTrace } from "./decision-ring.ts";

/**
 * One request in the list of recent ones: what `/v1/chimera/decisions/:id` tells, in one line. Times in
 * ms on the gateway's clock, lengths in tokens, null for what is not known yet.
 */
export interface RequestRow {
  readonly requestId: string;
  readonly workflowId: string;
  readonly stage: number | null;
  readonly class: PriorityClass | null;
  /** waiting: no engine has it yet. running: one does. Else how it ended. */
  readonly status: "waiting" | "running" | Outcome;
  readonly model: string | null;
  readonly engine: string | null;
  readonly rule: Decision["rule"] | null;
  readonly waitMs: number | null;
  readonly predictedTokens: number | null;
  readonly outputTokens: number | null;
  readonly endedMs: number | null;
}

/** One request in full, as `/v1/chimera/decisions/:id` tells it; units as in `RequestRow`. */
export interface RequestDetail {
  readonly requestId: string;
  readonly workflowId: string;
  /** null until an engine has it. */
  readonly decision: Decision | null;
  /** null while it goes on. */
  readonly outcome: Outcome | null;
  readonly attempts: number | null;
  readonly promptTokens: number | null;
  readonly outputTokens: number | null;
  readonly arrivedMs: number | null;
  readonly queuedMs: number | null;
  readonly dispatchedMs: number | null;
  readonly firstTokenMs: number | null;
  readonly endedMs: number | null;
}

/** What a list may be limited to. */
export const REQUEST_PHASES = ["any", "waiting", "running", "ended"] as const;

export type RequestPhase = (typeof REQUEST_PHASES)[number];

export interface RequestList {
  /** Reading of the gateway's clock, for the age of the rows. */
  readonly nowMs: number;
  /** The newest first. */
  readonly requests: readonly RequestRow[];
}

export function isPhase(text: string): text is RequestPhase {
  return REQUEST_PHASES.some((phase) => phase === text);
}

export function phaseOf({ decision, record }: RequestTrace): Exclude<RequestPhase, "any"> {
  if (record !== null) return "ended";
  return decision === null ? "waiting" : "running";
}

type Decided = Pick<RequestRow, "stage" | "model" | "engine" | "rule" | "predictedTokens">;
type Ended = Pick<RequestRow, "stage" | "class" | "waitMs" | "outputTokens" | "endedMs">;

export function requestRow(trace: RequestTrace): RequestRow {
  const { requestId, shownWorkflowId, decision, record } = trace;
  return {
    requestId,
    workflowId: shownWorkflowId,
    status: record?.outcome ?? (decision === null ? "waiting" : "running"),
    stage: null,
    class: null,
    model: null,
    engine: null,
    rule: null,
    waitMs: null,
    predictedTokens: null,
    outputTokens: null,
    endedMs: null,
    ...(decision === null ? null : decided(decision)),
    ...(record === null ? null : ended(record)),
  };
}

function decided({ stage, model, engine, rule, stageTokens }: Decision): Decided {
  return { stage, model, engine, rule, predictedTokens: stageTokens };
}

function ended(record: StageRecord): Ended {
  const { stage, outputTokens, endedMs, arrivedMs, dispatchedMs } = record;
  const waitMs = dispatchedMs === null ? null : dispatchedMs - arrivedMs;
  return { stage, class: record.class, waitMs, outputTokens, endedMs };
}
