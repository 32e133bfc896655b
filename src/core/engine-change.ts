import { reassignQueue, assign, dequeue } from "./assignment.ts";
import { fill } from "./dispatch.ts";
import type { EngineChanged } from "./event.ts";
import { retryOrFail } from "./retry.ts";
import { createEngine, findEngine, type EngineBook, type State } from "./state.ts";
import type { EngineState } from "./types.ts";

/** Joins, updates, drains, buries or forgets an engine, and moves what that concerns. */
export function engineChanged(state: State, event: EngineChanged): void {
  const engine = findEngine(state, event.engine) ?? join(state, event);
  if (engine === null) return;
  if (event.spec !== undefined) engine.spec = event.spec;
  if (event.speed !== undefined) engine.spec = { ...engine.spec, speed: event.speed };
  if (event.load !== undefined) {
    engine.reported = event.load;
    engine.sentSinceReport = 0;
  }
  const next = event.state ?? engine.state;
  if (next !== engine.state) changeState(state, engine, next);
  if (engine.state === "live") takeStranded(state);
  fill(state, engine);
}

function join(state: State, event: EngineChanged): EngineBook | null {
  if (event.spec === undefined) return null;
  const engine = createEngine(state, event.spec);
  state.engines.push(engine);
  return engine;
}

function changeState(state: State, engine: EngineBook, next: EngineState): void {
  engine.state = next;
  if (next === "live") {
    engine.pausedUntilMs = 0;
    engine.fullUntilMs = 0;
    engine.failuresInRow = 0;
    return;
  }
  if (next === "removed") state.engines.splice(state.engines.indexOf(engine), 1);
  for (const receiver of reassignQueue(state, engine)) fill(state, receiver);
  if (next === "draining") return;
  for (const request of engine.running.values()) {
    if (next === "removed") abort(state, engine, request.arrived.requestId, request.attempt);
    retryOrFail(state, request, "engine-died");
  }
  engine.reported = null;
  engine.sentSinceReport = 0;
}

function abort(state: State, engine: EngineBook, requestId: string, attempt: number): void {
  state.commands.push({ type: "abort", requestId, engine: engine.spec.name, attempt });
}

/** Requests that no live engine could serve are placed as soon as one can. */
function takeStranded(state: State): void {
  for (const request of Array.from(state.stranded.values())) {
    dequeue(state, request);
    const engine = assign(state, request, null);
    if (engine !== null) fill(state, engine);
  }
}
