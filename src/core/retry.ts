import { assign } from "./assignment.ts";
import { fullBeyondDeadlineMs } from "./admission.ts";
import { fill } from "./dispatch.ts";
import { finish, leaveEngine } from "./outcome.ts";
import type { EngineBook, RequestBook, State } from "./state.ts";
import { beginsToWait, setDeadline } from "./waiting.ts";

/** First pause of an engine after a failure, ms; each further failure in a row doubles it. */
const PAUSE_MS = 100;
const PAUSE_MS_MAX = 5000;
/** Longest time for which an engine's own word is taken that it is full. */
const FULL_MS_MAX = 3_600_000;

/**
 * A dispatched request came back without an answer. It is queued again, on another engine where one
 * can serve, unless tokens have reached the client or its attempts are used up. An engine that was
 * full is not ill: that costs no attempt, only time.
 */
export function retryOrFail(
  state: State,
  request: RequestBook,
  result: "failed" | "full" | "engine-died",
  retryAfterMs: number | null = null,
): void {
  const engine = leaveRunning(state, request);
  if (result !== "engine-died") pause(state, engine, result);
  if (result === "full") holdBack(state, engine, retryAfterMs);
  state.pausedUntilMs = Math.max(state.pausedUntilMs, engine.pausedUntilMs);
  if (result !== "full") request.failures++;
  const spoken = request.arrived.streams && request.tokensSeen > 0;
  if (spoken || request.failures >= state.options.attemptsMax) {
    fail(state, request, "engine-failed", null);
    return fill(state, engine);
  }
  // A workflow that has begun waits for its engine: its context is there.
  const waits = result === "full" && request.workflow.completedStages > 0;
  if (!waits) request.avoid = (request.avoid ?? new Set()).add(engine);
  request.tokensSeen = 0;
  request.firstTokenMs = null;
  const next = assign(state, request, engine.spec.name);
  const fullMs = fullBeyondDeadlineMs(state, request);
  if (fullMs !== null) fail(state, request, "deadline", fullMs);
  fill(state, engine);
  if (next !== null && next !== engine) fill(state, next);
}

/** Back among those that wait, on no engine. */
function leaveRunning(state: State, request: RequestBook): EngineBook {
  const engine = leaveEngine(request, request.tokensSeen);
  const servedRounds = engine.aging.rounds - (request.promotedAtRound ?? 0);
  const keepsLevel =
    request.promotedAtRound !== null && servedRounds < state.options.policy.starvationQuantum;
  request.level = keepsLevel ? -1 : 0;
  request.state = "queued";
  beginsToWait(state, request);
  // Its service did not count as waiting: the limit starts anew, attempts are bounded.
  setDeadline(state, request, state.nowMs + request.arrived.queueWaitMsMax);
  return engine;
}

function pause(state: State, engine: EngineBook, result: "failed" | "full"): void {
  if (result === "failed") engine.failuresInRow++;
  const doublings = Math.min(Math.max(engine.failuresInRow - 1, 0), 6);
  const untilMs = state.nowMs + Math.min(PAUSE_MS * 2 ** doublings, PAUSE_MS_MAX);
  // A failure of another request does not shorten the time that the engine asked for.
  engine.pausedUntilMs = Math.max(untilMs, engine.fullUntilMs);
}

function holdBack(state: State, engine: EngineBook, retryAfterMs: number | null): void {
  if (retryAfterMs === null) return;
  const untilMs = state.nowMs + Math.min(Math.max(0, retryAfterMs), FULL_MS_MAX);
  engine.fullUntilMs = Math.max(engine.fullUntilMs, untilMs);
  engine.pausedUntilMs = Math.max(engine.pausedUntilMs, engine.fullUntilMs);
}

function fail(
  state: State,
  request: RequestBook,
  outcome: "engine-failed" | "deadline",
  retryAfterMs: number | null,
): void {
  state.commands.push({
    type: "reject",
    requestId: request.arrived.requestId,
    outcome,
    retryAfterMs,
  });
  finish(state, request, { outcome, outputTokens: request.tokensSeen });
}
