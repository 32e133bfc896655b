import type { RequestTrace } from "./decision-ring.ts";
import { type RequestRow, requestRow } from "./ui-request.ts";

/**
 * One workflow, as far as its requests are remembered. Times in ms on the gateway's clock, lengths in
 * tokens, null for what is not known yet.
 */
export interface WorkflowRow {
  readonly workflowId: string;
  /** Models that served or serve, in order of first use. */
  readonly models: readonly string[];
  readonly stages: number;
  /** Stages that go on. */
  readonly open: number;
  /** Stages that ended in anything but an answer. */
  readonly failed: number;
  /** What the first remembered decision expected of the whole workflow from there on. */
  readonly predictedTokens: number | null;
  readonly outputTokens: number;
  /** Sum of the waits. */
  readonly waitMs: number;
  readonly startedMs: number | null;
  /** End of the last stage; null while one goes on. */
  readonly endedMs: number | null;
  /** 0..1, as the client told; null where it did not. */
  readonly score: number | null;
}

export interface WorkflowList {
  readonly nowMs: number;
  /** The newest first. */
  readonly workflows: readonly WorkflowRow[];
}

/** One stage with the times of its timeline. */
export interface StageLine extends RequestRow {
  readonly arrivedMs: number | null;
  readonly dispatchedMs: number | null;
  readonly firstTokenMs: number | null;
}

export interface WorkflowDetail {
  readonly workflow: WorkflowRow;
  /** In the order in which they arrived, the newest `STAGES_SHOWN_MAX`. */
  readonly stages: readonly StageLine[];
}

/** What is remembered of workflows: the traces, the newest first, and what clients said of them. */
export interface Remembered {
  readonly traces: readonly RequestTrace[];
  readonly scoreOf: (workflowId: string) => number | null;
}

const STAGES_SHOWN_MAX = 100;

/** The workflows of the traces, by their newest request. */
export function workflowRows(
  { traces, scoreOf }: Remembered,
  workflowsMax: number,
): readonly WorkflowRow[] {
  const byWorkflow = new Map<string, RequestTrace[]>();
  for (const trace of traces) {
    const known = byWorkflow.get(trace.workflowId);
    if (known !== undefined) known.push(trace);
    else byWorkflow.set(trace.workflowId, [trace]);
  }
  return [...byWorkflow.values()]
    .slice(0, workflowsMax)
    .map((requests) => workflowRow(requests.toReversed(), scoreOf));
}

/** The newest workflow that its client knows by that name; null where none is remembered. */
export function workflowDetail(
  { traces, scoreOf }: Remembered,
  shownWorkflowId: string,
): WorkflowDetail | null {
  const newest = traces.find((trace) => trace.shownWorkflowId === shownWorkflowId);
  if (newest === undefined) return null;
  const requests = traces.filter((trace) => trace.workflowId === newest.workflowId).toReversed();
  return {
    workflow: workflowRow(requests, scoreOf),
    stages: requests.slice(-STAGES_SHOWN_MAX).map(stageLine),
  };
}

function workflowRow(
  requests: readonly RequestTrace[],
  scoreOf: Remembered["scoreOf"],
): WorkflowRow {
  const [first] = requests;
  const lines = requests.map(stageLine);
  const open = lines.filter((line) => line.status === "waiting" || line.status === "running");
  const completed = lines.filter((line) => line.status === "completed");
  const ends = lines.map((line) => line.endedMs ?? Number.NEGATIVE_INFINITY);
  return {
    workflowId: first?.shownWorkflowId ?? "",
    models: [...new Set(lines.flatMap(({ model }) => (model === null ? [] : [model])))],
    stages: lines.length,
    open: open.length,
    failed: lines.length - open.length - completed.length,
    predictedTokens: first?.decision?.remainingTokens ?? null,
    outputTokens: lines.reduce((sum, line) => sum + (line.outputTokens ?? 0), 0),
    waitMs: lines.reduce((sum, line) => sum + (line.waitMs ?? 0), 0),
    startedMs: lines[0]?.arrivedMs ?? null,
    endedMs: open.length > 0 ? null : Math.max(...ends),
    score: first === undefined ? null : scoreOf(first.workflowId),
  };
}

function stageLine(trace: RequestTrace): StageLine {
  const { decision, record } = trace;
  return {
    ...requestRow(trace),
    // While it goes on the record is not written yet; it was decided upon when it was queued.
    arrivedMs: record?.arrivedMs ?? decision?.timeMs ?? null,
    dispatchedMs: record === null ? trace.dispatchedMs : record.dispatchedMs,
    firstTokenMs: record?.firstTokenMs ?? null,
  };
}
