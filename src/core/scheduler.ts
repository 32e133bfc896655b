import { admit, judge, lastStartMs, lateByMs } from "./admission.ts";
import { assert } from "./assert.ts";
import { assign } from "./assignment.ts";
import type { Command } from "./command.ts";
import { fill } from "./dispatch.ts";
import { engineChanged } from "./engine-change.ts";
import type {
  ClientGone,
  Event,
  PredictionReady,
  RequestArrived,
  RequestEnded,
  TokensStreamed,
  WorkflowEnded,
} from "./event.ts";
import { endWorkflow, finish } from "./outcome.ts";
import { restoreWorkflow } from "./memory.ts";
import { retryOrFail } from "./retry.ts";
import { changeSettings } from "./settings.ts";
import type { RequestBook, State } from "./state.ts";
import type { Estimate, Outcome } from "./types.ts";
import { setDeadline } from "./waiting.ts";

/**
 * Moves the state by one event and answers what must be done about it, in order. Synchronous and
 * deterministic: time comes with the event, chance from the seeded generator of the state. Times may
 * stand still but never go back (invariant 6).
 */
export function step(state: State, event: Event): readonly Command[] {
  assert(event.timeMs >= state.nowMs, "time never goes back");
  state.commands = [];
  const before = state.nowMs;
  if (before !== Number.NEGATIVE_INFINITY) state.clock.advance(event.timeMs - before);
  state.nowMs = event.timeMs;
  // What is known of engines comes first, so that nothing that is due goes to one that is gone.
  const concernsEngine = event.type === "engine-changed";
  if (concernsEngine) handle(state, event);
  passTime(state, before);
  if (!concernsEngine) handle(state, event);
  return state.commands;
}

/** When `time-passed` must come at the latest, if nothing else does; Infinity when nothing is due. */
export function nextWakeMs(state: State): number {
  let wakeMs = state.deadlines.first()?.priority ?? Number.POSITIVE_INFINITY;
  if (state.pausedUntilMs > state.nowMs) {
    for (const engine of state.engines) {
      const isDue = engine.pausedUntilMs > state.nowMs && engine.queue.size > 0;
      if (isDue) wakeMs = Math.min(wakeMs, engine.pausedUntilMs);
    }
  }
  const idle = state.idle.first;
  return idle === null ? wakeMs : Math.min(wakeMs, idle.lastSeenMs + state.options.workflowIdleMs);
}

function handle(state: State, event: Event): void {
  switch (event.type) {
    case "request-arrived":
      return requestArrived(state, event);
    case "prediction-ready":
      return predictionReady(state, event);
    case "tokens-streamed":
      return tokensStreamed(state, event);
    case "request-ended":
      return requestEnded(state, event);
    case "engine-changed":
      return engineChanged(state, event);
    case "client-gone":
      return clientGone(state, event);
    case "workflow-ended":
      return workflowEnded(state, event);
    case "settings-changed":
      return changeSettings(state, event);
    case "workflow-restored":
      return restoreWorkflow(state, event);
    case "time-passed":
      return undefined;
  }
}

/** Everything that has come due since `before` happens, in the order in which it was due. */
function passTime(state: State, before: number): void {
  const timeMs = state.nowMs;
  for (;;) {
    const due = state.deadlines.first();
    if (due === null || due.priority > timeMs) break;
    deadlinePassed(state, due.value);
  }
  for (;;) {
    const idle = state.idle.first;
    if (idle === null || idle.lastSeenMs + state.options.workflowIdleMs > timeMs) break;
    endWorkflow(state, idle, "idle", null);
  }
  if (state.pausedUntilMs <= before) return;
  for (const engine of state.engines) {
    if (engine.pausedUntilMs > before && engine.pausedUntilMs <= timeMs) fill(state, engine);
  }
}

function deadlinePassed(state: State, request: RequestBook): void {
  if (request.state === "queued") return reject(state, request, "queue-timeout", null);
  request.prediction = "late";
  place(state, request);
}

function requestArrived(state: State, event: RequestArrived): void {
  assert(!state.requests.has(event.requestId), "a request id is unique among the unfinished");
  assert(event.estimates.length > 0, "a request names at least one candidate model");
  const request = admit(state, event);
  const verdict = judge(state, request);
  if (verdict.kind === "refused") {
    return reject(state, request, verdict.outcome, retryAfterMs(state));
  }
  if (verdict.kind === "displaces") reject(state, verdict.victim, "shed", retryAfterMs(state));
  if (!event.predict) return place(state, request);
  const deadlineMs = event.timeMs + state.options.predictionBudgetMs;
  setDeadline(state, request, deadlineMs);
  state.commands.push({
    type: "predict",
    requestId: event.requestId,
    models: modelsToPredict(state, request),
    deadlineMs,
  });
}

/** All candidates at the start of a workflow, the model that serves it later on. */
function modelsToPredict(state: State, request: RequestBook): readonly string[] {
  const home = request.workflow.homeOf(request.arrived.pool);
  const { assign: scope, stickinessBonus } = state.options.policy;
  const stays = scope === "workflow" && stickinessBonus === null && home?.engine.state === "live";
  if (stays && home !== undefined) return [home.model];
  return request.estimates.map((estimate) => estimate.model);
}

function predictionReady(state: State, event: PredictionReady): void {
  const request = state.requests.get(event.requestId);
  if (request === undefined || request.state !== "predicting") return;
  request.prediction = event.estimates === null ? "failed" : "ready";
  if (event.estimates !== null) replaceEstimates(request, event.estimates);
  place(state, request);
}

/** A predictor that leaves out a model leaves the earlier estimate in place. */
function replaceEstimates(request: RequestBook, better: readonly Estimate[]): void {
  request.estimates = request.estimates.map(
    (known) => better.find((each) => each.model === known.model) ?? known,
  );
}

function place(state: State, request: RequestBook): void {
  setDeadline(state, request, Math.max(state.nowMs, lastStartMs(request.arrived)));
  const engine = assign(state, request, null);
  if (engine !== null) fill(state, engine);
  const lateMs = lateByMs(state, request);
  if (lateMs > 0) reject(state, request, "deadline", lateMs);
}

function tokensStreamed(state: State, event: TokensStreamed): void {
  const request = state.requests.get(event.requestId);
  if (request?.state !== "running" || request.attempt !== event.attempt) return;
  request.firstTokenMs ??= event.timeMs;
  request.tokensSeen += event.tokens;
}

function requestEnded(state: State, event: RequestEnded): void {
  const request = state.requests.get(event.requestId);
  if (request?.state !== "running" || request.attempt !== event.attempt) return;
  const engine = request.engine;
  assert(engine !== null, "a running request is on an engine");
  if (event.result === "completed" || event.result === "refused") {
    engine.failuresInRow = 0;
    finish(state, request, { outcome: event.result, outputTokens: event.outputTokens });
    return fill(state, engine);
  }
  retryOrFail(state, request, event.result, event.retryAfterMs ?? null);
}

function clientGone(state: State, event: ClientGone): void {
  const request = state.requests.get(event.requestId);
  if (request === undefined) return;
  const running = request.state === "running" ? request.engine : null;
  if (running !== null) {
    state.commands.push({
      type: "abort",
      requestId: event.requestId,
      engine: running.spec.name,
      attempt: request.attempt,
    });
  }
  const engine = finish(state, request, {
    outcome: "client-gone",
    outputTokens: request.tokensSeen,
  });
  if (engine !== null) fill(state, engine);
}

function workflowEnded(state: State, event: WorkflowEnded): void {
  const workflow = state.workflows.get(event.workflowId);
  if (workflow === undefined) return;
  if (workflow.openRequests > 0) workflow.declared = { score: event.score };
  else endWorkflow(state, workflow, "ended", event.score);
}

function reject(
  state: State,
  request: RequestBook,
  outcome: Outcome,
  afterMs: number | null,
): void {
  state.commands.push({
    type: "reject",
    requestId: request.arrived.requestId,
    outcome,
    retryAfterMs: afterMs,
  });
  const engine = finish(state, request, { outcome, outputTokens: request.tokensSeen });
  if (engine !== null) fill(state, engine);
}

/** Time in which the engines work off a tenth of what waits, between 1 and 60 s: a fair moment to try again. */
function retryAfterMs(state: State): number {
  let tokens = 0;
  let tokensPerMs = 0;
  for (const engine of state.engines) {
    if (engine.state !== "live") continue;
    tokens += engine.inFlightTokens;
    tokensPerMs += engine.spec.profileBatch / Math.max(engine.spec.profileMsPerToken, 0.001);
  }
  if (tokensPerMs === 0) return 5000;
  return Math.min(60_000, Math.max(1000, tokens / tokensPerMs / 10));
}
