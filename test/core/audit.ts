import { equal, holds } from "./claim.ts";
import { compareKeys } from "../../src/core/queue.ts";
import type { RequestBook, State } from "../../src/core/state.ts";
import { PRIORITY_CLASSES } from "../../src/core/types.ts";

/** Recomputes every book from the unfinished requests alone and compares (invariants 2, 3, 4, 7). */
export function audit(state: State): void {
  const requests = [...state.requests.values()];
  for (const engine of state.engines) {
    const queued: RequestBook[] = [];
    engine.queue.each((entry) => queued.push(entry.value) > 0);
    const mine = requests.filter((each) => each.engine === engine);
    const sorted = mine
      .filter((each) => each.state === "queued")
      .sort((a, b) => compareKeys(a.entry, b.entry));
    same(queued, sorted, "the queue is a full sort");
    const running = mine.filter((each) => each.state === "running");
    same([...engine.running.values()].sort(bySequence), running.sort(bySequence), "running");
    equal(
      engine.inFlightTokens,
      mine.reduce((sum, each) => sum + each.bookedTokens, 0),
      "books",
    );
    equal(engine.inFlightRequests, mine.length, "books");
    equal(
      engine.heldTokens,
      running.reduce((sum, each) => sum + each.heldTokens, 0),
      "books",
    );
    equal(
      engine.queue.tokens,
      sorted.reduce((sum, each) => sum + each.entry.tokens, 0),
      "books",
    );
    const { maxSequences, overCommit, queuePlace } = engine.spec;
    if (queuePlace === "gateway" && !limitsChanged.has(state)) {
      holds(running.length <= maxSequences + overCommit, "a bound is kept");
      if (running.length > 1) holds(engine.heldTokens <= engine.spec.kvTokens, "a bound is kept");
    }
    if (engine.state === "dead") equal(mine.length, 0, "books");
  }
  auditWaiting(state, requests);
  auditWorkflows(state, requests);
}

function bySequence(a: RequestBook, b: RequestBook): number {
  return a.sequence - b.sequence;
}

/** The same objects in the same order; books point at each other, so they are never compared in depth. */
function same(a: readonly RequestBook[], b: readonly RequestBook[], claim: string): void {
  const equal = a.length === b.length && a.every((each, index) => each === b[index]);
  if (!equal) throw new Error(`${claim}: ${ids(a)} is not ${ids(b)}`);
}

function ids(requests: readonly RequestBook[]): string {
  return requests.map((each) => each.arrived.requestId).join(" ");
}

/** States in which an engine's limits shrank while it was running; its old work may exceed them. */
export const limitsChanged: WeakSet<State> = new WeakSet();

function auditWaiting(state: State, requests: readonly RequestBook[]): void {
  const waiting = requests.filter((each) => each.state !== "running");
  equal(state.waitingRequests, waiting.length, "books");
  for (const name of PRIORITY_CLASSES) {
    const ofClass = waiting.filter((each) => each.arrived.class === name);
    equal(state.waitingByClass[name], ofClass.length, "books");
  }
  const tenants = new Map<string, number>();
  for (const { arrived } of waiting) {
    const id = arrived.tenant?.id;
    if (id !== undefined) tenants.set(id, (tenants.get(id) ?? 0) + 1);
  }
  equal(state.waitingByTenant.size, tenants.size, "tenants that wait");
  for (const [id, count] of tenants) equal(state.waitingByTenant.get(id), count, "of a tenant");
  const due = waiting.filter((each) => each.deadline.priority < Number.POSITIVE_INFINITY);
  equal(state.deadlines.size, due.length, "books");
  for (const each of due) equal(each.deadline.queued, true, "books");
  const homeless = requests.filter((each) => each.state === "queued" && each.engine === null);
  same([...state.stranded.values()].sort(bySequence), homeless.sort(bySequence), "stranded");
  for (const each of requests) {
    holds(each.state !== "ended", "no ended request is kept");
    equal(each.entry.queued, each.state === "queued" && each.engine !== null, "books");
    if (each.account === null) equal(each.bookedTokens, 0, "books");
  }
}

function auditWorkflows(state: State, requests: readonly RequestBook[]): void {
  for (const workflow of state.workflows.values()) {
    const open = requests.filter((each) => each.workflow === workflow);
    equal(workflow.openRequests, open.length, "books");
    equal(workflow.idles, open.length === 0, "books");
  }
  for (const { id } of state.idle.all()) equal(state.workflows.has(id), true, "books");
}
