import { assert } from "./assert.ts";
import { dequeue } from "./assignment.ts";
import { closeLine } from "./ledger.ts";
import { promptCost } from "./price.ts";
import type { EngineBook, RequestBook, State, WorkflowBook } from "./state.ts";
import type { Outcome } from "./types.ts";
import { waitsNoLonger } from "./waiting.ts";
import type { WorkflowRecord } from "./command.ts";

export interface Ending {
  readonly outcome: Outcome;
  readonly outputTokens: number;
}

/**
 * Ends a request, once, wherever it is, and closes its books. Answers the engine on which it was
 * queued or ran, which may have room now. The caller tells the engine (abort) and the client (reject).
 */
export function finish(state: State, request: RequestBook, ending: Ending): EngineBook | null {
  assert(request.state !== "ended", "a request ends once");
  const engine = request.engine;
  if (request.state === "running") leaveEngine(request, ending.outputTokens);
  else leaveWaiting(state, request);
  request.state = "ended";
  state.requests.delete(request.arrived.requestId);
  settleWorkflow(state, request, ending, engine);
  record(state, request, ending);
  closeIfDeclared(state, request.workflow);
  return engine;
}

/** Takes a running request off its engine, which made so many tokens for it; the books of both are closed. */
export function leaveEngine(request: RequestBook, outputTokens: number): EngineBook {
  const engine = request.engine;
  assert(engine !== null, "a running request is on an engine");
  assert(engine.running.delete(request.arrived.requestId), "an engine knows what it runs");
  engine.heldTokens -= request.heldTokens;
  if (engine.running.size === 0) engine.heldTokens = 0;
  closeLine(request);
  request.engine = null;
  const used = outputTokens > 0 ? promptCost(request) + outputTokens : 0;
  engine.queue.correct(request, used - request.chargedTokens);
  return engine;
}

function leaveWaiting(state: State, request: RequestBook): void {
  if (request.state === "queued") dequeue(state, request);
  waitsNoLonger(state, request);
}

function settleWorkflow(
  state: State,
  request: RequestBook,
  ending: Ending,
  engine: EngineBook | null,
): void {
  const { workflow, arrived } = request;
  workflow.openRequests--;
  workflow.stages++;
  workflow.lastSeenMs = state.nowMs;
  if (workflow.openRequests === 0) state.idle.add(workflow);
  if (ending.outcome !== "completed" || engine === null) return;
  const { outputTokens } = ending;
  workflow.completedStages++;
  workflow.producedTokens += outputTokens;
  const known = workflow.context?.engine === engine ? workflow.context.tokens : 0;
  const computed = Math.max(0, arrived.promptTokens - known);
  engine.stageTokens.add(outputTokens);
  engine.promptPerOutput.add(computed / Math.max(1, outputTokens));
  workflow.context = { engine, tokens: arrived.promptTokens + outputTokens };
}

function record(state: State, request: RequestBook, ending: Ending): void {
  const { arrived, decision } = request;
  state.commands.push({
    type: "record-stage",
    requestId: arrived.requestId,
    workflowId: arrived.workflowId,
    stage: arrived.stage,
    pool: arrived.pool,
    class: arrived.class,
    tenant: arrived.tenant?.name ?? null,
    outcome: ending.outcome,
    engine: decision?.engine ?? null,
    model: decision?.model ?? null,
    attempts: request.attempt,
    promptTokens: arrived.promptTokens,
    outputTokens: ending.outputTokens,
    arrivedMs: arrived.timeMs,
    queuedMs: request.queuedMs,
    dispatchedMs: request.dispatchedMs,
    firstTokenMs: request.firstTokenMs,
    endedMs: state.nowMs,
    decision,
  });
}

function closeIfDeclared(state: State, workflow: WorkflowBook): void {
  if (workflow.declared !== null && workflow.openRequests === 0) {
    endWorkflow(state, workflow, "ended", workflow.declared.score);
  }
}

/** Forgets a workflow that has no open requests and records it, once. */
export function endWorkflow(
  state: State,
  workflow: WorkflowBook,
  end: WorkflowRecord["end"],
  score: number | null,
): void {
  assert(workflow.openRequests === 0, "a workflow ends after its requests");
  const endedMs = end === "ended" ? state.nowMs : workflow.lastSeenMs;
  state.targetPrice?.observe(endedMs - workflow.arrivedMs, workflow.producedTokens, score);
  state.idle.delete(workflow);
  state.workflows.delete(workflow.id);
  state.commands.push({
    type: "record-workflow",
    workflowId: workflow.id,
    arrivedMs: workflow.arrivedMs,
    endedMs,
    stages: workflow.stages,
    completedStages: workflow.completedStages,
    outputTokens: workflow.producedTokens,
    score,
    end,
    models: workflow.models,
  });
}
