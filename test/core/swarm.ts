import fc from "fast-check";
import type { Event, Tenant } from "../../src/core/event.ts";
import type { SchedulerOptions } from "../../src/core/state.ts";
import {
  CHOICES,
  ORDERS,
  PRIORITY_CLASSES,
  type EngineSpec,
  type EngineState,
  type Estimate,
  type Policy,
} from "../../src/core/types.ts";
import type { Outside } from "./outside.ts";

/** One random move of the world; numbers are read modulo whatever they choose from. */
export interface Move {
  readonly kind: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

export const moves: fc.Arbitrary<Move[]> = fc.array(
  fc.record({ kind: fc.nat(23), a: fc.nat(9999), b: fc.nat(9999), c: fc.nat(9999) }),
  { minLength: 1, maxLength: 160, size: "max" },
);

export const policies: fc.Arbitrary<Policy> = fc.record({
  choice: fc.constantFrom(...CHOICES),
  order: fc.constantFrom(...ORDERS),
  assign: fc.constantFrom("workflow" as const, "stage" as const),
  price: fc.constantFrom(0, 0.1, 0.2, 5),
  target: fc.constantFrom(null, { msPerToken: 20 }, { score: 0.5 }),
  slack: fc.constantFrom(null, 0, 1),
  minGain: fc.constantFrom(0, 0.1),
  ownWork: fc.boolean(),
  countsRunning: fc.boolean(),
  countsDelay: fc.boolean(),
  liveBatch: fc.boolean(),
  orderBy: fc.constantFrom("choice" as const, "median" as const, "range-end" as const),
  starvationThreshold: fc.constantFrom(0, 1, 3),
  starvationQuantum: fc.constantFrom(1, 4),
  ageScale: fc.constantFrom(5, 10),
  lateChoiceRequestsMax: fc.constantFrom(0, 2, 48),
  stickinessBonus: fc.constantFrom(null, 0.05),
});

export function spec(index: number, size: number): EngineSpec {
  return {
    name: `e${index}`,
    model: `m${index % 2}`,
    maxSequences: 1 + (size % 3),
    kvTokens: size % 5 === 0 ? 300 : 100_000,
    overCommit: size % 2,
    queuePlace: size % 7 === 0 ? "engine" : "gateway",
    speed: { baseMs: 10, perSequenceMs: 1, perKvTokenMs: 0.001, perPromptTokenMs: 0.1 },
    profileMsPerToken: 12,
    profileBatch: 2,
  };
}

export function options(policy: Policy, seed: number): SchedulerOptions {
  return {
    policy,
    seed,
    predictionBudgetMs: 20,
    attemptsMax: 3,
    queueRequestsMax: 25,
    queueTokensMax: 6000,
    workflowsMax: 12,
    workflowIdleMs: 5000,
    engines: [spec(0, 1), spec(1, 3), spec(2, 4)],
  };
}

function estimates(move: Move): Estimate[] {
  const models = [["m0"], ["m1"], ["m0", "m1"], ["m0", "m1"], ["m0", "m1", "m9"]][move.b % 5] ?? [];
  return models.map((model, index) => ({
    model,
    confidence: ((move.c * (index + 3)) % 100) / 100,
    remainingMean: [0, 10, 100.3, 777, Number.NaN][(move.a + index) % 5] ?? 1,
    remainingMedian: (move.a + index) % 300,
    stageTokens: (move.c % 97) + 0.5,
    source: "test",
  }));
}

function pick<T>(from: Iterable<T>, at: number): T | undefined {
  const all = [...from];
  return all[at % Math.max(1, all.length)];
}

/** Turns a move into an event that could happen in the world as it is, or null. */
export function toEvent(move: Move, timeMs: number, outside: Outside): Event | null {
  const { kind, a, b, c } = move;
  if (kind < 9) return arrival(move, timeMs, outside);
  if (kind < 18) return answer(move, timeMs, outside);
  switch (kind) {
    case 18:
      return { type: "client-gone", timeMs, requestId: pick(outside.open.keys(), a) ?? "none" };
    case 19:
      return { type: "workflow-ended", timeMs, workflowId: `w${a % 15}`, score: b % 2 };
    case 20:
      return { type: "time-passed", timeMs };
    case 21: {
      const states: EngineState[] = ["live", "live", "draining", "dead", "removed"];
      const state = states[b % 5] ?? "live";
      return { type: "engine-changed", timeMs, engine: `e${a % 3}`, state };
    }
    case 22: {
      const load = { waiting: b % 5, running: c % 5 };
      return { type: "engine-changed", timeMs, engine: `e${a % 4}`, load };
    }
    default: {
      const index = a % 4;
      return {
        type: "engine-changed",
        timeMs,
        engine: `e${index}`,
        spec: spec(index, b),
        state: "live",
      };
    }
  }
}

function arrival(move: Move, timeMs: number, outside: Outside): Event {
  const { a, b, c } = move;
  return {
    type: "request-arrived",
    timeMs,
    requestId: `r${outside.arrived}`,
    workflowId: `w${a % 15}`,
    stage: b % 4,
    class: PRIORITY_CLASSES[c % 4] ?? "default",
    pool: `pool${b % 2}`,
    estimates: estimates(move),
    predict: a % 3 === 0,
    promptTokens: c % 200,
    outputTokensMax: b % 3 === 0 ? 50 : null,
    streams: c % 2 === 0,
    queueWaitMsMax: [50, 1000, 1e9][c % 3] ?? 1000,
    knobs: a % 5 === 0 ? { price: 0.3 } : null,
    ...(a % 7 === 0 ? { startWithinMs: [0, 30, 5000][c % 3] ?? 30 } : {}),
    ...(b % 2 === 0 ? { tenant: tenantOf(a) } : {}),
  };
}

/** One of them has no turn of its own. */
function tenantOf(a: number): Tenant {
  const tenant = { id: `t${a % 3}`, queueRequestsMax: 6 };
  return a % 3 === 0 ? tenant : { ...tenant, weight: a % 3 };
}

function answer(move: Move, timeMs: number, outside: Outside): Event | null {
  const { kind, a, b, c } = move;
  const open = [...outside.open.values()];
  if (kind < 11) {
    const asked = pick(
      open.filter((each) => each.phase === "predicting"),
      a,
    );
    if (asked === undefined) return null;
    const failed = b % 4 === 0;
    return {
      type: "prediction-ready",
      timeMs,
      requestId: asked.requestId,
      estimates: failed ? null : estimates(move),
    };
  }
  const running = pick(
    open.filter((each) => each.phase === "running"),
    a,
  );
  if (running === undefined) return null;
  const { requestId } = running;
  const attempt = b % 9 === 0 ? running.attempt - 1 : running.attempt;
  if (kind === 11) return { type: "tokens-streamed", timeMs, requestId, attempt, tokens: c % 20 };
  const result = (["completed", "completed", "completed", "refused", "failed", "full"] as const)[
    c % 6
  ];
  return {
    type: "request-ended",
    timeMs,
    requestId,
    attempt,
    result: result ?? "completed",
    outputTokens: b % 500,
  };
}
