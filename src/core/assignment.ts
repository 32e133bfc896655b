import { assert } from "./assert.ts";
import { toDecision } from "./decision.ts";
import { remainingTokensOf, setKey } from "./key.ts";
import { closeLine, openLine } from "./ledger.ts";
import { unloadedMs } from "./price.ts";
import { canServe, choose, estimateFor, type Chosen } from "./route.ts";
import type { EngineBook, Home, RequestBook, State } from "./state.ts";
import type { Rule } from "./types.ts";

/** Homes that one workflow keeps; a request of a further pool is placed without one. */
const HOMES_MAX = 16;

/** Live engines that serve one of the request's candidate models, in the order in which they joined. */
export function liveEngines(state: State, request: RequestBook): EngineBook[] {
  const live: EngineBook[] = [];
  for (const engine of state.engines) if (canServe(engine, request)) live.push(engine);
  return live;
}

/**
 * Chooses an engine for a request that is on none and queues it there. Answers that engine, or null
 * when no live one can serve: then the request is stranded until one joins or its time is up.
 */
export function assign(
  state: State,
  request: RequestBook,
  movedFrom: string | null,
): EngineBook | null {
  assert(request.engine === null, "only a request on no engine is assigned");
  const engines = enginesFor(state, request);
  request.state = "queued";
  request.queuedMs ??= state.nowMs;
  if (engines.length === 0) {
    state.stranded.set(request.arrived.requestId, request);
    return null;
  }
  observeUnloaded(state, request);
  const home = homeOf(state, request);
  const { chosen, rule } = chooseNearHome(state, request, engines, home);
  settle(state, request, chosen.engine, home);
  request.decision = toDecision(state, request, chosen, { rule, movedFrom });
  return chosen.engine;
}

/** Live engines that can serve; those that are not full beyond its deadline and have not sent it back, where there are any. */
function enginesFor(state: State, request: RequestBook): readonly EngineBook[] {
  const { deadline, avoid } = request;
  const live = liveEngines(state, request);
  const inTime = preferred(live, (engine) => engine.fullUntilMs <= deadline.priority);
  return avoid === null ? inTime : preferred(inTime, (engine) => !avoid.has(engine));
}

/** Those that meet the wish, or all where none does. */
function preferred(
  engines: readonly EngineBook[],
  meets: (engine: EngineBook) => boolean,
): readonly EngineBook[] {
  if (engines.every(meets)) return engines;
  const meeting = engines.filter(meets);
  return meeting.length > 0 ? meeting : engines;
}

/** The engine that serves this workflow's requests of the pool so far, where the policy keeps one. */
function homeOf(state: State, request: RequestBook): Home | null {
  if (state.options.policy.assign === "stage") return null;
  return request.workflow.homeOf(request.arrived.pool) ?? null;
}

function chooseNearHome(
  state: State,
  request: RequestBook,
  engines: readonly EngineBook[],
  home: Home | null,
): { readonly chosen: Chosen; readonly rule: Rule } {
  if (home !== null && engines.includes(home.engine)) {
    if (state.options.policy.stickinessBonus === null) {
      return { chosen: choose(state, request, [home.engine], null), rule: "sticky" };
    }
    const chosen = choose(state, request, engines, home.engine);
    return { chosen, rule: chosen.engine === home.engine ? "sticky" : chosen.rule };
  }
  const replicas = home === null ? [] : engines.filter((each) => each.spec.model === home.model);
  if (replicas.length > 0) {
    return { chosen: choose(state, request, replicas, null), rule: "sticky-model" };
  }
  const chosen = choose(state, request, engines, null);
  return { chosen, rule: engines.length === 1 ? "only-candidate" : chosen.rule };
}

/** Makes the engine the workflow's home and queues the request there. */
function settle(state: State, request: RequestBook, engine: EngineBook, home: Home | null): void {
  const { workflow, arrived } = request;
  if (home !== null) {
    if (home.engine !== engine) home.started = false;
    home.engine = engine;
    home.model = engine.spec.model;
  } else if (state.options.policy.assign === "workflow" && workflow.homes.length < HOMES_MAX) {
    const { pool } = arrived;
    workflow.homes.push({ pool, engine, model: engine.spec.model, started: false });
  }
  enqueue(state, request, engine);
}

/** A new workflow moves the scales (U) of all models that it could have been served by. */
function observeUnloaded(state: State, request: RequestBook): void {
  if (request.workflow.observed) return;
  request.workflow.observed = true;
  for (const estimate of request.estimates) {
    const engine = state.engines.find((each) => each.spec.model === estimate.model);
    if (engine === undefined) continue;
    state.clock.observe(estimate.model, unloadedMs(engine, remainingTokensOf(state, estimate)));
  }
}

/** Queues the request under the key of its estimate for the engine's model and books its tokens. */
export function enqueue(state: State, request: RequestBook, engine: EngineBook): void {
  const estimate = estimateFor(request, engine.spec.model);
  const remaining = remainingTokensOf(state, estimate);
  engine.stageTokens.expect(estimate.stageTokens);
  setKey(state, request, estimate);
  openLine(request, engine, remaining);
  request.entry.tokens = request.bookedTokens;
  request.engine = engine;
  request.state = "queued";
  engine.queue.insert(request.entry);
  engine.aging.join(request);
}

/** Takes a queued request out of its engine's queue and off its account. */
export function dequeue(state: State, request: RequestBook): void {
  assert(request.state === "queued", "only a queued request leaves a queue");
  const engine = request.engine;
  if (engine === null) {
    state.stranded.delete(request.arrived.requestId);
    return;
  }
  engine.queue.remove(request.entry);
  engine.aging.leave(request);
  closeLine(request);
  request.engine = null;
}

/** Sends every queued request of the engine to another one. Answers the engines that got work. */
export function reassignQueue(state: State, engine: EngineBook): Set<EngineBook> {
  const moved: RequestBook[] = [];
  engine.queue.each((entry) => moved.push(entry.value) > 0);
  const receivers = new Set<EngineBook>();
  for (const request of moved) {
    dequeue(state, request);
    const receiver = assign(state, request, engine.spec.name);
    if (receiver !== null) receivers.add(receiver);
  }
  return receivers;
}
