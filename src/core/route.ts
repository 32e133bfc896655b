import { assert } from "./assert.ts";
import { remainingTokensOf, setKey } from "./key.ts";
import {
  delayMs,
  hasFreeSequence,
  heldTokensOf,
  liveBatch,
  promisedMs,
  tokenMs,
  unloadedMs,
} from "./price.ts";
import { fillPaperLoad, largest, rule, type Ruled, type Ruling } from "./rule.ts";
import { findEngine, type EngineBook, type RequestBook, type State } from "./state.ts";
import type { Choice, Estimate, Policy, Rule } from "./types.ts";

export interface Chosen {
  readonly best: Ruled;
  /** The engine that `best` stands for. */
  readonly engine: EngineBook;
  readonly rule: Rule;
  /** Never changed again: a decision keeps them as they are. */
  readonly candidates: readonly Ruled[];
  /** T0 of the price; null where the choice has none. */
  readonly unloadedMs: number | null;
}

/**
 * Which engine serves the request, by the policy's choice. `engines` are live and serve a candidate
 * model; at least one. Ties go to the engine that joined first.
 */
export function choose(
  state: State,
  request: RequestBook,
  engines: readonly EngineBook[],
  stayOn: EngineBook | null,
): Chosen {
  assert(engines.length > 0, "a choice needs a candidate");
  const { choice, stickinessBonus } = state.options.policy;
  const candidates = engines.map((engine) => weigh(state, request, engine));
  let unloadedMs: number | null = null;
  if (choice === "auto") {
    unloadedMs = unloadedScaleMs(state, engines);
    const last = stayOn === null ? undefined : candidates[engines.indexOf(stayOn)];
    if (last !== undefined) last.bonus = stickinessBonus ?? 0;
  }
  const { best, rule } = ruling(state, request, candidates, unloadedMs);
  const engine = engines[candidates.indexOf(best)];
  assert(engine !== undefined, "what was chosen was a candidate");
  return { best, engine, rule, candidates, unloadedMs };
}

function ruling(
  state: State,
  request: RequestBook,
  candidates: readonly Ruled[],
  unloadedMs: number | null,
): Ruling<Ruled> {
  const { choice } = state.options.policy;
  switch (choice) {
    case "round-robin":
      return byTurn(candidates, state.roundRobin++);
    case "random":
      return byTurn(candidates, Math.floor(state.random.next() * candidates.length));
    case "smallest-model":
    case "largest-model":
      return byModelSize(state, candidates, choice === "smallest-model" ? 1 : -1);
    case "own":
      return byOwnValue(state, candidates);
    default: {
      const { price, slack, minGain } = knobsOf(state, request);
      return rule(choice, candidates, { pricePerMs: price / (unloadedMs ?? 1), slack, minGain });
    }
  }
}

/** The knobs that count for the request: its own, else the policy's. */
export function knobsOf(
  state: State,
  request: RequestBook,
): Pick<Policy, "price" | "slack" | "minGain"> {
  const { policy } = state.options;
  const { knobs } = request.arrived;
  return {
    price: knobs?.price ?? state.targetPrice?.price ?? policy.price,
    slack: knobs?.slack ?? policy.slack,
    minGain: knobs?.minGain ?? policy.minGain,
  };
}

/** T0: U of the fastest model, one scale for all candidates. */
export function unloadedScaleMs(state: State, engines: readonly EngineBook[]): number {
  let fastest: EngineBook | null = null;
  let fastestMs = Number.POSITIVE_INFINITY;
  for (const engine of engines) {
    const ms = unloadedMs(engine, 1);
    if (ms < fastestMs) {
      fastest = engine;
      fastestMs = ms;
    }
  }
  const unloaded = fastest === null ? null : state.clock.unloadedMs(fastest.spec.model);
  return Math.max(unloaded ?? 1, 1);
}

export function estimateFor(request: RequestBook, model: string): Estimate {
  for (const estimate of request.estimates) if (estimate.model === model) return estimate;
  throw new TypeError(`no estimate for model ${model}`);
}

/** Whether the engine takes new work and serves one of the request's candidate models. */
export function canServe(engine: EngineBook, request: RequestBook): boolean {
  if (engine.state !== "live") return false;
  const { model } = engine.spec;
  for (const estimate of request.estimates) if (estimate.model === model) return true;
  return false;
}

/** Requests that wait for the engine, wherever they wait, and those that it runs. */
export function loadOf(engine: EngineBook): { readonly waiting: number; readonly running: number } {
  if (engine.spec.queuePlace === "engine") {
    const reported = engine.reported ?? { waiting: 0, running: 0 };
    return { waiting: reported.waiting + engine.sentSinceReport, running: reported.running };
  }
  const running = liveBatch(engine);
  return { waiting: engine.queue.size + engine.running.size - running, running };
}

/** The choices that weigh what a request waits for, works and delays. */
const PRICED_CHOICES: readonly Choice[] = ["auto", "own", "quickest", "weighted"];

/** One candidate with the numbers that the policy's choice goes by, in the order of `Candidate`. */
function weigh(state: State, request: RequestBook, engine: EngineBook): Ruled {
  const { choice, ownWork } = state.options.policy;
  const estimate = estimateFor(request, engine.spec.model);
  const load = loadOf(engine);
  const candidate: Ruled = {
    engine: engine.spec.name,
    model: engine.spec.model,
    confidence: estimate.confidence,
    remainingTokens: remainingTokensOf(state, estimate),
    inFlightTokens: engine.inFlightTokens,
    waiting: load.waiting,
    running: load.running,
    waitMs: 0,
    ownMs: 0,
    delayMs: 0,
    bonus: 0,
    value: 0,
    excluded: null,
  };
  if (PRICED_CHOICES.includes(choice)) {
    fillPricedLoad(state, request, engine, candidate);
  } else if (choice === "paper") fillPaperLoad(candidate, engine.spec, ownWork);
  return candidate;
}

/** Fills W, y tpot and X of one candidate. */
function fillPricedLoad(
  state: State,
  request: RequestBook,
  engine: EngineBook,
  candidate: Ruled,
): void {
  const estimate = estimateFor(request, candidate.model);
  const free = hasFreeSequence(state, engine, heldTokensOf(request, estimate.stageTokens));
  let behind = 0;
  if (!free) {
    setKey(state, request, estimate);
    const before = engine.queue.before(request.entry, state.prefix);
    behind = engine.queue.size - before.count;
    candidate.waitMs = promisedMs(state, engine, before.tokens);
  }
  const { countsDelay, liveBatch: isLive } = state.options.policy;
  const perTokenMs = isLive ? tokenMs(engine) : engine.spec.profileMsPerToken;
  candidate.ownMs = candidate.remainingTokens * perTokenMs;
  if (countsDelay) {
    candidate.delayMs = delayMs(engine, candidate.remainingTokens, !free, behind);
  }
}

function byTurn(candidates: readonly Ruled[], turn: number): Ruling<Ruled> {
  const index = turn % candidates.length;
  candidates.forEach((each, at) => {
    each.value = at === index ? 1 : 0;
  });
  return { best: largest(candidates), rule: "balance" };
}

/** The model that is quickest (sign 1) or slowest (sign -1) when alone; the balancer among its replicas. */
function byModelSize(state: State, candidates: readonly Ruled[], sign: 1 | -1): Ruling<Ruled> {
  const sizes = candidates.map(({ engine }) => {
    const book = findEngine(state, engine);
    assert(book !== null, "a candidate is an engine");
    return sign * unloadedMs(book, 1);
  });
  const least = Math.min(...sizes);
  candidates.forEach((each, index) => {
    each.value = -(4 * each.waiting + each.running);
    if ((sizes[index] ?? least) > least) each.excluded = "model";
  });
  return { best: largest(candidates), rule: "balance" };
}

/** own: the largest value by the policy's rule, which sees the same numbers as auto's. */
function byOwnValue(state: State, candidates: readonly Ruled[]): Ruling<Ruled> {
  for (const each of candidates) {
    each.value = state.options.policy.own?.valueFor?.(each) ?? Number.NaN;
    assert(!Number.isNaN(each.value), "choice own: valueFor gives a number");
  }
  return { best: largest(candidates), rule: "own" };
}
