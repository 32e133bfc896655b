import { assert } from "./assert.ts";
import { remainingTokensOf, setKey } from "./key.ts";
import {
  delayMs,
  hasFreeSequence,
  heldTokensOf,
  liveBatch,
  tokenMs,
  unloadedMs,
  waitMs,
} from "./price.ts";
import type { EngineBook, RequestBook, State } from "./state.ts";
import type { Candidate, Estimate, Rule } from "./types.ts";

/** A candidate while it is weighed. */
export interface Weighed extends Candidate {
  readonly book: EngineBook;
  waitMs: number;
  ownMs: number;
  delayMs: number;
  value: number;
  excluded: Candidate["excluded"];
}

export interface Chosen {
  readonly best: Weighed;
  readonly rule: Rule;
  readonly candidates: readonly Weighed[];
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
  const candidates = engines.map((engine) => weigh(state, request, engine));
  switch (state.options.policy.choice) {
    case "auto":
      return byPrice(state, request, candidates, stayOn);
    case "paper":
      return byConfidenceWithinSlack(state, request, candidates);
    case "balancer":
      return byValue(candidates, (each) => -(4 * each.waiting + each.running));
    case "least-tokens":
      return byValue(candidates, (each) => -each.inFlightTokens);
    case "round-robin":
      return byTurn(candidates, state.roundRobin++);
    case "random":
      return byTurn(candidates, Math.floor(state.random.next() * candidates.length));
    case "own":
      return byOwnValue(state, request, candidates);
  }
}

/** kappa / T0: the price of one ms in units of score. T0 is U of the fastest model, one scale for all candidates. */
export function pricePerMs(
  state: State,
  request: RequestBook,
  engines: readonly EngineBook[],
): number {
  const price = request.arrived.knobs?.price ?? state.options.policy.price;
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
  return price / Math.max(unloaded ?? 1, 1);
}

export function estimateFor(request: RequestBook, model: string): Estimate {
  for (const estimate of request.estimates) if (estimate.model === model) return estimate;
  throw new TypeError(`no estimate for model ${model}`);
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

function weigh(state: State, request: RequestBook, engine: EngineBook): Weighed {
  const estimate = estimateFor(request, engine.spec.model);
  const load = loadOf(engine);
  return {
    book: engine,
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
    value: 0,
    excluded: null,
  };
}

function largest(candidates: readonly Weighed[]): Weighed {
  let best: Weighed | null = null;
  for (const each of candidates) {
    if (each.excluded === null && (best === null || each.value > best.value)) best = each;
  }
  assert(best !== null, "one candidate is always left");
  return best;
}

function byValue(candidates: readonly Weighed[], valueOf: (each: Weighed) => number): Chosen {
  for (const each of candidates) each.value = valueOf(each);
  return { best: largest(candidates), rule: "balance", candidates };
}

function byTurn(candidates: readonly Weighed[], turn: number): Chosen {
  const index = turn % candidates.length;
  candidates.forEach((each, at) => {
    each.value = at === index ? 1 : 0;
  });
  return { best: largest(candidates), rule: "balance", candidates };
}

/** auto: the largest q - (kappa / T0) x (W + y tpot + X). */
function byPrice(
  state: State,
  request: RequestBook,
  candidates: readonly Weighed[],
  stayOn: EngineBook | null,
): Chosen {
  const perMs = pricePerMs(
    state,
    request,
    candidates.map((each) => each.book),
  );
  const bonus = state.options.policy.stickinessBonus ?? 0;
  let least = Number.POSITIVE_INFINITY;
  for (const each of candidates) {
    weighLoad(state, request, each);
    least = Math.min(least, each.waitMs + each.ownMs);
    each.value = each.confidence - perMs * (each.waitMs + each.ownMs + each.delayMs);
    if (each.book === stayOn) each.value += bonus;
  }
  const slack = request.arrived.knobs?.slack ?? state.options.policy.slack;
  if (slack !== null) {
    for (const each of candidates) {
      if (each.waitMs + each.ownMs > (1 + slack) * least) each.excluded = "slack";
    }
  }
  return { best: largest(candidates), rule: "price", candidates };
}

/** own: the largest value by the policy's rule, which sees the same numbers as auto's. */
function byOwnValue(state: State, request: RequestBook, candidates: readonly Weighed[]): Chosen {
  for (const each of candidates) {
    weighLoad(state, request, each);
    each.value = state.options.policy.own?.valueFor?.(each) ?? Number.NaN;
    assert(!Number.isNaN(each.value), "choice own: valueFor gives a number");
  }
  return { best: largest(candidates), rule: "own", candidates };
}

/** Fills W, y tpot and X of one candidate. */
function weighLoad(state: State, request: RequestBook, each: Weighed): void {
  const engine = each.book;
  const estimate = estimateFor(request, each.model);
  const free = hasFreeSequence(state, engine, heldTokensOf(request, estimate.stageTokens));
  let behind = 0;
  if (!free) {
    setKey(state, request, estimate);
    const before = engine.queue.before(request.entry, state.prefix);
    behind = engine.queue.size - before.count;
    each.waitMs = waitMs(state, engine, before.tokens);
  }
  each.ownMs = each.remainingTokens * tokenMs(engine);
  each.delayMs = delayMs(engine, each.remainingTokens, !free, behind);
}

/**
 * Algorithm 1 of the paper, line by line. L is the time to the last token of everything in flight;
 * `ownWork` adds the request's own.
 */
function byConfidenceWithinSlack(
  state: State,
  request: RequestBook,
  candidates: readonly Weighed[],
): Chosen {
  const { policy } = state.options;
  const slack = request.arrived.knobs?.slack ?? policy.slack ?? Number.POSITIVE_INFINITY;
  const minGain = request.arrived.knobs?.minGain ?? policy.minGain;
  for (const each of candidates) {
    const { profileMsPerToken, profileBatch } = each.book.spec;
    each.waitMs = (each.inFlightTokens * profileMsPerToken) / profileBatch;
    each.ownMs = policy.ownWork ? each.remainingTokens * profileMsPerToken : 0;
    each.value = -(each.waitMs + each.ownMs);
  }
  const models = quickestOfEachModel(candidates);
  const fast = largest(models);
  const byConfidence = [...models].sort((a, b) => b.confidence - a.confidence);
  for (const each of byConfidence) {
    if (-each.value > (1 + slack) * -fast.value) each.excluded = "slack";
    else if (each.confidence < fast.confidence + minGain) each.excluded = "gain";
    else return { best: each, rule: "confidence-within-slack", candidates };
  }
  fast.excluded = null;
  return { best: fast, rule: "quickest", candidates };
}

/** Of several engines of one model, the one with the least load stands for it. */
function quickestOfEachModel(candidates: readonly Weighed[]): Weighed[] {
  const models = new Map<string, Weighed>();
  for (const each of candidates) {
    const known = models.get(each.model);
    if (known === undefined || each.value > known.value) models.set(each.model, each);
  }
  return [...models.values()];
}
