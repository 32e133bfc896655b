import { assert } from "./assert.ts";
import type { RequestBook, State } from "./state.ts";

/** One request more waits: in all, in its class, of its tenant. */
export function beginsToWait(state: State, { arrived }: RequestBook): void {
  state.waitingRequests++;
  state.waitingByClass[arrived.class]++;
  if (arrived.tenant === undefined) return;
  const { id } = arrived.tenant;
  state.waitingByTenant.set(id, (state.waitingByTenant.get(id) ?? 0) + 1);
}

/** The time at which something must happen to a request that waits. */
export function setDeadline(state: State, { deadline }: RequestBook, timeMs: number): void {
  if (deadline.queued && deadline.priority === timeMs) return;
  if (deadline.queued) state.deadlines.remove(deadline);
  deadline.priority = timeMs;
  // What is never due would only be in the way of the others.
  if (timeMs < Number.POSITIVE_INFINITY) state.deadlines.insert(deadline);
}

/** It waits no longer: dispatched, or ended. */
export function waitsNoLonger(state: State, { arrived, deadline }: RequestBook): void {
  if (deadline.queued) state.deadlines.remove(deadline);
  state.waitingRequests--;
  state.waitingByClass[arrived.class]--;
  assert(state.waitingRequests >= 0, "nobody stops to wait twice");
  if (arrived.tenant === undefined) return;
  const { id } = arrived.tenant;
  const left = (state.waitingByTenant.get(id) ?? 0) - 1;
  if (left > 0) state.waitingByTenant.set(id, left);
  else state.waitingByTenant.delete(id);
}
