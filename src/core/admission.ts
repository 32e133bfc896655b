import type { RequestArrived } from "./event.ts";
import { endWorkflow } from "./outcome.ts";
import { RequestBook, WorkflowBook, type State } from "./state.ts";
import type { Outcome } from "./types.ts";

/** Takes a request onto the books: it is unfinished from here until `finish`. */
export function admit(state: State, arrived: RequestArrived): RequestBook {
  const workflow = openWorkflow(state, arrived.workflowId);
  workflow.openRequests++;
  workflow.lastSeenMs = state.nowMs;
  const request = new RequestBook(arrived, workflow, state.sequence++);
  state.requests.set(arrived.requestId, request);
  state.waitingRequests++;
  state.waitingByClass[arrived.class]++;
  setDeadline(state, request, arrived.timeMs + arrived.queueWaitMsMax);
  return request;
}

/** Why a request that has just been admitted cannot stay, or null. */
export function refusalOf(state: State, request: RequestBook): Outcome | null {
  const servable = state.engines.some(
    (engine) =>
      engine.state === "live" &&
      request.estimates.some((estimate) => estimate.model === engine.spec.model),
  );
  if (!servable) return "no-engine";
  if (state.waitingRequests > state.options.queueRequestsMax) return "queue-full";
  return null;
}

/** The time at which something must happen to a request that waits. */
export function setDeadline(state: State, request: RequestBook, timeMs: number): void {
  if (request.deadline.queued) state.deadlines.remove(request.deadline);
  request.deadline.priority = timeMs;
  state.deadlines.insert(request.deadline);
}

function openWorkflow(state: State, id: string): WorkflowBook {
  const known = state.workflows.get(id);
  if (known !== undefined) {
    state.idle.delete(id);
    return known;
  }
  evictIdle(state);
  const workflow = new WorkflowBook(id, state.nowMs, state.clock.reading);
  state.workflows.set(id, workflow);
  return workflow;
}

/** Makes room for one workflow more. Those with open requests stay: requests have a bound of their own. */
function evictIdle(state: State): void {
  if (state.workflows.size < state.options.workflowsMax) return;
  for (const workflow of state.idle.values()) {
    endWorkflow(state, workflow, "evicted", null);
    return;
  }
}
