import { loadOf } from "./route.ts";
import type { EngineBook, State } from "./state.ts";
import type { EngineState, Policy, PriorityClass } from "./types.ts";

/** One engine as seen from outside. */
export interface EngineView {
  readonly name: string;
  readonly model: string;
  readonly state: EngineState;
  readonly maxSequences: number;
  readonly waiting: number;
  readonly running: number;
  /** Predicted tokens admitted and not finished, and the part of them that still waits here. */
  readonly inFlightTokens: number;
  readonly queuedTokens: number;
  readonly heldTokens: number;
  /** Promotions by aging since it joined. */
  readonly promotions: number;
  /** As in `EngineSpec`. */
  readonly profileMsPerToken: number;
  readonly profileBatch: number;
}

/** The scheduler as seen from outside: a copy, safe to keep. */
export interface View {
  readonly engines: readonly EngineView[];
  readonly queuedByClass: Readonly<Record<PriorityClass, number>>;
  /** Unfinished requests, and those among them that no live engine can serve. */
  readonly requests: number;
  readonly stranded: number;
  readonly workflows: number;
  /** What the next decision goes by, without rules of its own. */
  readonly policy: Omit<Policy, "own">;
}

export function view(state: State): View {
  const { own: _own, ...policy } = state.options.policy;
  return {
    engines: state.engines.map(engineView),
    queuedByClass: { ...state.waitingByClass },
    requests: state.requests.size,
    stranded: state.stranded.size,
    workflows: state.workflows.size,
    policy,
  };
}

function engineView(engine: EngineBook): EngineView {
  const load = loadOf(engine);
  return {
    name: engine.spec.name,
    model: engine.spec.model,
    state: engine.state,
    maxSequences: engine.spec.maxSequences,
    waiting: load.waiting,
    running: load.running,
    inFlightTokens: engine.inFlightTokens,
    queuedTokens: engine.queue.tokens,
    heldTokens: engine.heldTokens,
    promotions: engine.promotions,
    profileMsPerToken: engine.spec.profileMsPerToken,
    profileBatch: engine.spec.profileBatch,
  };
}
