import type { StageRecord, WorkflowRecord } from "../core/command.ts";
import type { Estimator, StageFacts, StageSeen } from "../predict/port.ts";
import type { Sessions } from "../workflow/sessions.ts";
import type { StageRow } from "../store/row.ts";
import type { TraceStore } from "../store/trace-store.ts";
import type { EndedRequest, Recorder } from "./driver.ts";

export interface WorkflowRecorderOptions {
  readonly estimator: Estimator;
  readonly sessions: Sessions;
  readonly clock: { nowMs(): number };
  /** null: nothing is stored. */
  readonly traces: TraceStore | null;
}

interface OpenWorkflow {
  readonly kind: string;
  /** Completed stages in order; the first STAGES_MAX. */
  readonly stages: StageSeen[];
  /** Feedback that did not end the workflow. */
  score: number | null;
}

/** Stages of one workflow that the estimator is shown when it ends. */
const STAGES_MAX = 256;

/** Passes on what has ended to everyone who learns from it: sessions, estimator, trace store. */
export class WorkflowRecorder implements Recorder {
  readonly #options: WorkflowRecorderOptions;
  /** Those that the core has open. */
  readonly #open = new Map<string, OpenWorkflow>();

  constructor(options: WorkflowRecorderOptions) {
    this.#options = options;
  }

  /** A request of the workflow goes to the core now. */
  arrived(facts: StageFacts): void {
    if (this.#open.has(facts.workflowId)) return;
    this.#open.set(facts.workflowId, { kind: facts.kind, stages: [], score: null });
  }

  isOpen(workflowId: string): boolean {
    return this.#open.has(workflowId);
  }

  /** Undefined where the workflow is not open. */
  kindOf(workflowId: string): string | undefined {
    return this.#open.get(workflowId)?.kind;
  }

  /** A workflow of an earlier process goes on; what is learned of it is what comes now. */
  restore(workflowId: string, kind: string): void {
    this.#open.set(workflowId, { kind, stages: [], score: null });
  }

  /** Keeps a score until the workflow ends; a score that comes with the end overrules it. */
  noteScore(workflowId: string, score: number): void {
    const workflow = this.#open.get(workflowId);
    if (workflow !== undefined) workflow.score = score;
  }

  stageEnded(record: StageRecord, request: EndedRequest): void {
    const { clock, estimator, sessions, traces } = this.#options;
    const { facts } = request;
    const completed = record.outcome === "completed";
    const outputTokens = completed ? record.outputTokens : null;
    sessions.stageEnded(record.workflowId, outputTokens, clock.nowMs());
    traces?.writeStage(stageRow(record, request));
    if (record.model === null) return;
    const { model, outcome } = record;
    const seen: StageSeen = { facts, model, outcome, outputTokens: record.outputTokens };
    estimator.stageEnded(seen);
    const workflow = this.#open.get(record.workflowId);
    if (completed && workflow !== undefined && workflow.stages.length < STAGES_MAX) {
      // The task's text is in the first stage; more of it would only fill the memory.
      const keepsText = workflow.stages.length === 0 || facts.text === null;
      workflow.stages.push(keepsText ? seen : { ...seen, facts: { ...facts, text: null } });
    }
  }

  workflowEnded(record: WorkflowRecord): void {
    const { estimator, sessions, traces } = this.#options;
    const workflow = this.#open.get(record.workflowId);
    this.#open.delete(record.workflowId);
    sessions.end(record.workflowId);
    const score = record.score ?? workflow?.score ?? null;
    const kind = workflow?.kind ?? "unknown";
    estimator.workflowEnded({ kind, stages: workflow?.stages ?? [], score });
    traces?.writeWorkflow({ ...record, score, kind });
  }
}

/** Written out, because copying the record and adding to it costs more than the rest of the recording. */
function stageRow(record: StageRecord, { facts, errorCode }: EndedRequest): StageRow {
  return {
    requestId: record.requestId,
    workflowId: record.workflowId,
    stage: record.stage,
    pool: record.pool,
    class: record.class,
    tenant: record.tenant,
    outcome: record.outcome,
    engine: record.engine,
    model: record.model,
    attempts: record.attempts,
    promptTokens: record.promptTokens,
    outputTokens: record.outputTokens,
    arrivedMs: record.arrivedMs,
    queuedMs: record.queuedMs,
    dispatchedMs: record.dispatchedMs,
    firstTokenMs: record.firstTokenMs,
    endedMs: record.endedMs,
    decision: record.decision,
    kind: facts.kind,
    role: facts.role,
    systemTokens: facts.systemTokens,
    userTokens: facts.userTokens,
    outputTokensMax: facts.outputTokensMax,
    expectedOutputTokens: facts.expectedOutputTokens,
    callsLeft: facts.callsLeft,
    estimateSource: record.decision?.estimateSource ?? null,
    errorCode,
    text: facts.text,
  };
}
