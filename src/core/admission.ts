import type { RequestArrived } from "./event.ts";
import { endWorkflow } from "./outcome.ts";
import { waitMs } from "./price.ts";
import { compareKeys } from "./queue.ts";
import { canServe } from "./route.ts";
import { RequestBook, WorkflowBook, type State } from "./state.ts";
import { PRIORITY_CLASSES, type Outcome } from "./types.ts";
import { beginsToWait, setDeadline } from "./waiting.ts";

/** Takes a request onto the books: it is unfinished from here until `finish`. */
export function admit(state: State, arrived: RequestArrived): RequestBook {
  const workflow = openWorkflow(state, arrived.workflowId);
  workflow.openRequests++;
  workflow.lastSeenMs = state.nowMs;
  const request = new RequestBook(arrived, workflow, state.sequence++);
  state.requests.set(arrived.requestId, request);
  beginsToWait(state, request);
  setDeadline(state, request, lastStartMs(arrived));
  return request;
}

/** What admission says of a request that has just come: it stays, it goes, or another one goes for it. */
export type Verdict =
  | { readonly kind: "stays" }
  | { readonly kind: "refused"; readonly outcome: Outcome }
  | { readonly kind: "displaces"; readonly victim: RequestBook };

/**
 * No engine, a full share of its tenant, or a full queue refuse a request. A full queue makes room for a
 * higher class: the last in order of the lowest class below it is shed. It makes room for a tenant that
 * has less of it for its weight than another of its class: the last of the one that has most is shed.
 */
export function judge(state: State, request: RequestBook): Verdict {
  const { arrived } = request;
  const servable = state.engines.some((engine) => canServe(engine, request));
  if (!servable) return { kind: "refused", outcome: "no-engine" };
  const { tenant } = arrived;
  const ofTenant = tenant === undefined ? 0 : (state.waitingByTenant.get(tenant.id) ?? 0);
  if (tenant !== undefined && ofTenant > tenant.queueRequestsMax) {
    return { kind: "refused", outcome: "queue-full" };
  }
  if (!isFull(state)) return { kind: "stays" };
  const rank = PRIORITY_CLASSES.indexOf(arrived.class);
  const victim = lowestBelow(state, rank) ?? lastOfGreediest(state, request, rank);
  return victim === null
    ? { kind: "refused", outcome: "queue-full" }
    : { kind: "displaces", victim };
}

function isFull(state: State): boolean {
  const { queueRequestsMax, queueTokensMax = Number.POSITIVE_INFINITY } = state.options;
  if (state.waitingRequests > queueRequestsMax) return true;
  if (queueTokensMax === Number.POSITIVE_INFINITY) return false;
  let tokens = 0;
  for (const engine of state.engines) tokens += engine.queue.tokens;
  return tokens >= queueTokensMax;
}

/** The queued request that sorts last among those of the lowest class, if that is below `rank`. */
function lowestBelow(state: State, rank: number): RequestBook | null {
  let lowest: RequestBook | null = null;
  for (const engine of state.engines) {
    const last = engine.queue.last();
    if (last === null || last.rank <= (lowest?.entry.rank ?? rank)) continue;
    lowest = last.value;
  }
  return lowest;
}

/**
 * The last request in order of the tenant of this class that has most waiting for its weight, if that
 * is more than the new request's tenant would have with it.
 */
function lastOfGreediest(state: State, request: RequestBook, rank: number): RequestBook | null {
  const { tenant } = request.arrived;
  if (tenant?.weight === undefined) return null;
  const shares = new Map<string, number>([[tenant.id, 1 / tenant.weight]]);
  const lasts = new Map<string, RequestBook>();
  for (const engine of state.engines) {
    for (const { tenant: other, requests, last } of engine.queue.waiting(rank)) {
      shares.set(other.id, (shares.get(other.id) ?? 0) + requests / (other.weight ?? 1));
      const known = lasts.get(other.id);
      if (known === undefined || compareKeys(last.entry, known.entry) > 0)
        lasts.set(other.id, last);
    }
  }
  let greediest = tenant.id;
  for (const [id, share] of shares) if (share > (shares.get(greediest) ?? 0)) greediest = id;
  return greediest === tenant.id ? null : (lasts.get(greediest) ?? null);
}

/**
 * How much too late a queued request would start by its engine's queue, or how long that engine has
 * said to be full, ms; 0 when it can start in time, or waits for no engine.
 */
export function lateByMs(state: State, request: RequestBook): number {
  const { startWithinMs, timeMs } = request.arrived;
  const { engine } = request;
  const fullMs = fullBeyondDeadlineMs(state, request);
  if (fullMs !== null) return fullMs;
  if (startWithinMs === undefined || engine === null || request.state !== "queued") return 0;
  const before = engine.queue.before(request.entry, state.prefix).tokens;
  const startsMs = state.nowMs + waitMs(state, engine, before);
  return Math.max(0, startsMs - (timeMs + startWithinMs));
}

/** How long the engine that a request waits for has said to be full, where that is longer than the request may wait; else null. */
export function fullBeyondDeadlineMs(state: State, request: RequestBook): number | null {
  if (request.state !== "queued" || request.engine === null) return null;
  const { fullUntilMs } = request.engine;
  return fullUntilMs > request.deadline.priority ? fullUntilMs - state.nowMs : null;
}

/** The latest time at which a request that has arrived may still wait. */
export function lastStartMs({ timeMs, queueWaitMsMax, startWithinMs }: RequestArrived): number {
  return timeMs + Math.min(queueWaitMsMax, startWithinMs ?? Number.POSITIVE_INFINITY);
}

/** The workflow, taken from those that are idle; a new one arrives now unless it is told to have come before. */
export function openWorkflow(
  state: State,
  id: string,
  arrivedMs: number = state.nowMs,
): WorkflowBook {
  const known = state.workflows.get(id);
  if (known !== undefined) {
    state.idle.delete(known);
    return known;
  }
  evictIdle(state);
  const workflow = new WorkflowBook(id, arrivedMs, state.clock.reading);
  state.workflows.set(id, workflow);
  return workflow;
}

/** Makes room for one workflow more. Those with open requests stay: requests have a bound of their own. */
function evictIdle(state: State): void {
  if (state.workflows.size < state.options.workflowsMax) return;
  const idle = state.idle.first;
  if (idle !== null) endWorkflow(state, idle, "evicted", null);
}
