import { singleStreamMs } from "./clock.ts";
import { PROMPT_TOKENS_PER_OUTPUT_TOKEN } from "./order.ts";
import type { EngineBook, RequestBook, State } from "./state.ts";

/**
 * The terms of the price (findings, section 2): how long a request would wait on an engine (W), how
 * long its own work would take (y x tpot) and how much it would delay others (X). All in ms.
 */

/** Sequences that the engine really runs at once. */
export function liveBatch(engine: EngineBook): number {
  return Math.min(engine.running.size, engine.spec.maxSequences);
}

/** Whether the engine could start a request that needs so many KV tokens right now. */
export function hasFreeSequence(state: State, engine: EngineBook, needTokens: number): boolean {
  if (engine.queue.size > 0 || engine.pausedUntilMs > state.nowMs) return false;
  if (engine.running.size === 0) return true;
  const { maxSequences, kvTokens } = engine.spec;
  return engine.running.size < maxSequences && engine.heldTokens + needTokens <= kvTokens;
}

/** Time of one step that decodes `batch` sequences, KV and the prompt work that comes with them included. */
export function stepMs(engine: EngineBook, batch: number): number {
  const { baseMs, perSequenceMs, perKvTokenMs, perPromptTokenMs } = engine.speed;
  const live = liveBatch(engine);
  const heldPerSequence = live > 0 ? engine.heldTokens / engine.running.size : 0;
  const perSequence =
    perSequenceMs +
    perKvTokenMs * heldPerSequence +
    perPromptTokenMs * engine.promptPerOutput.value;
  return baseMs + perSequence * batch;
}

/** Step time at the live batch with one more. */
export function tokenMs(engine: EngineBook): number {
  return stepMs(engine, Math.min(liveBatch(engine) + 1, engine.spec.maxSequences));
}

/** Tokens per ms that the engine makes now; that of a single stream when it is idle. */
export function tokenRate(engine: EngineBook): number {
  const batch = Math.max(1, liveBatch(engine));
  return batch / Math.max(stepMs(engine, batch), Number.MIN_VALUE);
}

/**
 * W of the price where the engine is full or paused. A request starts when a stage ends (`waitMs`), but the workflows
 * that run come back, most of them ahead of it: what they have left over all their stages is promised as well.
 */
export function promisedMs(state: State, engine: EngineBook, tokensBefore: number): number {
  if (!state.options.policy.countsRunning) return waitMs(state, engine, tokensBefore);
  const runningTokens = engine.inFlightTokens - engine.queue.tokens;
  return pauseMs(state, engine) + (tokensBefore + runningTokens) / tokenRate(engine);
}

function pauseMs(state: State, engine: EngineBook): number {
  return Math.max(0, engine.pausedUntilMs - state.nowMs);
}

/** Time until a request starts before which so many tokens wait: they, and a stage that runs, are made. */
export function waitMs(state: State, engine: EngineBook, tokensBefore: number): number {
  return pauseMs(state, engine) + (tokensBefore + engine.stageTokens.value) / tokenRate(engine);
}

/** Delay that a request of `remainingTokens` adds to others (X): those behind it, or those beside it. */
export function delayMs(
  engine: EngineBook,
  remainingTokens: number,
  full: boolean,
  requestsBehind: number,
): number {
  if (full) return (remainingTokens / tokenRate(engine)) * requestsBehind;
  const batch = liveBatch(engine);
  return batch * remainingTokens * (stepMs(engine, batch + 1) - stepMs(engine, batch));
}

/** KV tokens that a request is expected to hold at its end. */
export function heldTokensOf(request: RequestBook, stageTokens: number): number {
  const limit = request.arrived.outputTokensMax ?? Number.POSITIVE_INFINITY;
  return request.arrived.promptTokens + Math.min(Math.max(0, stageTokens), limit);
}

/** A prompt in tokens of output that take about as long. */
export function promptCost({ arrived }: RequestBook): number {
  return arrived.promptTokens / PROMPT_TOKENS_PER_OUTPUT_TOKEN;
}

/** Time of a workflow's remaining tokens on an unloaded engine, ms. */
export function unloadedMs(engine: EngineBook, remainingTokens: number): number {
  return remainingTokens * singleStreamMs(engine.speed);
}
