import { assert } from "./assert.ts";
import { dequeue, enqueue } from "./assignment.ts";
import { toDecision } from "./decision.ts";
import { toBookedTokens } from "./ledger.ts";
import { heldTokensOf, promptCost, waitMs } from "./price.ts";
import { choose, estimateFor, knobsOf, unloadedScaleMs } from "./route.ts";
import type { EngineBook, RequestBook, State } from "./state.ts";
import { waitsNoLonger } from "./waiting.ts";

/** Gives the engine work from the head of its queue, or late choices, for as long as it has room. */
export function fill(state: State, engine: EngineBook): void {
  if (engine.state === "dead" || engine.state === "removed") return;
  if (engine.pausedUntilMs > state.nowMs) return;
  for (;;) {
    promoteDue(engine);
    const head = engine.queue.first()?.value ?? lateChoice(state, engine);
    if (head === null || !hasRoom(engine, head)) return;
    dispatch(state, engine, head);
  }
}

/** Room for one more: a sequence (with over-commit) and KV tokens. An engine that queues itself always has room. */
function hasRoom(engine: EngineBook, request: RequestBook): boolean {
  const { spec } = engine;
  if (spec.queuePlace === "engine" || engine.running.size === 0) return true;
  if (engine.running.size >= spec.maxSequences + spec.overCommit) return false;
  return engine.heldTokens + needOf(request, engine) <= spec.kvTokens;
}

function needOf(request: RequestBook, engine: EngineBook): number {
  return heldTokensOf(request, estimateFor(request, engine.spec.model).stageTokens);
}

/** Starvation: who was passed over in S rounds sorts before everyone of its class (paper). */
function promoteDue(engine: EngineBook): void {
  for (;;) {
    const starved = engine.aging.due();
    if (starved === null) return;
    engine.queue.remove(starved.entry);
    starved.level = -1;
    engine.queue.insert(starved.entry);
    engine.promotions++;
  }
}

function dispatch(state: State, engine: EngineBook, request: RequestBook): void {
  assert(request.decision !== null, "a dispatched request was decided upon");
  const { entry, arrived, workflow } = request;
  request.chargedTokens = chargeOf(request, engine);
  engine.queue.charge(request, request.chargedTokens);
  engine.queue.remove(entry);
  engine.aging.leave(request);
  engine.aging.rounds++;
  waitsNoLonger(state, request);
  request.state = "running";
  request.attempt++;
  request.dispatchedMs = state.nowMs;
  request.promotedAtRound = entry.level < 0 ? engine.aging.rounds : null;
  request.heldTokens = toBookedTokens(needOf(request, engine));
  engine.heldTokens += request.heldTokens;
  engine.running.set(arrived.requestId, request);
  engine.sentSinceReport++;
  markServed(workflow, arrived.pool, engine);
  state.commands.push({
    type: "dispatch",
    requestId: arrived.requestId,
    engine: engine.spec.name,
    attempt: request.attempt,
    priority: entry.priority,
    queuedMs: request.queuedMs ?? state.nowMs,
    decision: request.decision,
  });
}

/** What a tenant's turn costs: the predicted output, and the prompt in tokens of output. */
function chargeOf(request: RequestBook, engine: EngineBook): number {
  const { stageTokens } = estimateFor(request, engine.spec.model);
  const limit = request.arrived.outputTokensMax ?? Number.POSITIVE_INFINITY;
  return promptCost(request) + Math.min(stageTokens > 0 ? stageTokens : 0, limit);
}

function markServed(workflow: RequestBook["workflow"], pool: string, engine: EngineBook): void {
  const home = workflow.homeOf(pool);
  if (home !== undefined && home.engine === engine) home.started = true;
  if (!workflow.models.includes(engine.spec.model)) workflow.models.push(engine.spec.model);
}

/**
 * Late choice (findings, section 2): an engine that has room and nothing queued takes, from the
 * heads of the other queues, the unstarted workflow that gains most by the move: what its model adds
 * in confidence and what the wait in the other queue costs. Answers it, moved, or null.
 */
function lateChoice(state: State, engine: EngineBook): RequestBook | null {
  const { policy } = state.options;
  const { spec } = engine;
  if (policy.choice !== "auto" || policy.lateChoiceRequestsMax <= 0) return null;
  if (engine.state !== "live" || spec.queuePlace === "engine") return null;
  if (engine.running.size >= spec.maxSequences + spec.overCommit) return null;
  let best: RequestBook | null = null;
  let bestGain = 0;
  for (const other of state.engines) {
    if (other === engine || other.queue.size === 0) continue;
    const scaleMs = unloadedScaleMs(state, [other, engine]);
    let left = policy.lateChoiceRequestsMax;
    let before = 0;
    other.queue.each((entry) => {
      const savedMs = waitMs(state, other, before);
      const gain = gainOfMove(state, entry.value, engine, { from: other, savedMs, scaleMs });
      before += entry.tokens;
      // Most gain less than the best so far: they need not be asked whether they can move.
      if (gain > bestGain && canMove(entry.value, engine)) {
        best = entry.value;
        bestGain = gain;
      }
      return --left > 0;
    });
  }
  if (best !== null) move(state, best, engine);
  return best;
}

interface Move {
  readonly from: EngineBook;
  readonly savedMs: number;
  /** T0 of the two engines. */
  readonly scaleMs: number;
}

/** q[e] - q[old] + (kappa / T0) x the wait that is saved; -Infinity where the engine's model is no candidate. */
function gainOfMove(
  state: State,
  request: RequestBook,
  to: EngineBook,
  { from, savedMs, scaleMs }: Move,
): number {
  const there = request.estimates.find((each) => each.model === to.spec.model);
  if (there === undefined) return Number.NEGATIVE_INFINITY;
  const here = estimateFor(request, from.spec.model);
  const perMs = knobsOf(state, request).price / scaleMs;
  return there.confidence - here.confidence + perMs * savedMs;
}

/** Whether a queued request may go to an engine that has room for it: its workflow has not begun, and that engine has not sent it back. */
function canMove(request: RequestBook, to: EngineBook): boolean {
  const home = request.workflow.homeOf(request.arrived.pool);
  if (home?.started === true || request.avoid?.has(to) === true) return false;
  return hasRoom(to, request);
}

function move(state: State, request: RequestBook, to: EngineBook): void {
  const from = request.engine;
  assert(from !== null, "what moves is queued somewhere");
  dequeue(state, request);
  const weighed = choose(state, request, [from, to], null);
  const best = weighed.candidates.find((each) => each.engine === to.spec.name) ?? weighed.best;
  const chosen = { ...weighed, best };
  request.decision = toDecision(state, request, chosen, {
    rule: "late-choice",
    movedFrom: from.spec.name,
  });
  enqueue(state, request, to);
  const home = request.workflow.homeOf(request.arrived.pool);
  if (home !== undefined) {
    home.engine = to;
    home.model = to.spec.model;
  }
}
