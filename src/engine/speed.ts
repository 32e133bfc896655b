import type { Speed } from "../core/types.ts";

/** One finished request, as the gateway saw it. Times in ms, lengths in tokens. */
export interface SpeedObservation {
  /** Those that had to be computed: without cached ones, where the engine tells them. */
  readonly promptTokens: number;
  readonly outputTokens: number;
  /** From dispatch to the first token. */
  readonly firstTokenMs: number;
  /** From the first token to the last one. */
  readonly decodeMs: number;
  /** Mean number of sequences that decoded with it, itself included. */
  readonly meanBatch: number;
  /** Mean of the tokens that all of them held; 0 where it is not known. */
  readonly meanHeldTokens: number;
}

/** All that is kept of the observations; plain data. */
export interface SpeedState {
  readonly prior: Speed;
  /** Requests whose decoding was counted. */
  readonly observations: number;
  readonly decode: RatioMean;
  readonly prompt: RatioMean;
  /** Normal equations of step time over [1, batch], older observations weighing less. */
  readonly sums: StepSums;
}

/** Logarithm of measured over prior, averaged. */
interface RatioMean {
  readonly weight: number;
  readonly logSum: number;
}

interface StepSums {
  readonly w: number;
  readonly wx: number;
  readonly wxx: number;
  readonly wy: number;
  readonly wxy: number;
}

export interface SpeedEstimate {
  readonly speed: Speed;
  /** 0: it is the prior. */
  readonly observations: number;
}

/** Weight of an observation when the next one comes: a memory of about a hundred requests. */
const KEPT = 0.99;
/** Gaps between tokens at which a request counts in full. */
const FULL_WEIGHT_GAPS = 32;
/** Shorter prompts measure the overhead of a request, not its prompt. */
const PROMPT_TOKENS_MIN = 64;
/** A single observation moves an estimate by no more than this factor. */
const OUTLIER_FACTOR = 8;
/** Time to the first token may hold waiting, never less than the work: what is above the estimate counts less. */
const ABOVE_WEIGHT = 0.25;
/** Batches at which the prior's shape is held fast, so that a load that never varies still gives both terms. */
const ANCHOR_BATCHES: readonly number[] = [1, 16];
const ANCHOR_WEIGHT = 1;
const TERM_MS_MIN = 1e-6;

/** What is known before the first request: the configured speed, or a guess. */
export function initialSpeed(prior: Speed): SpeedState {
  return {
    prior,
    observations: 0,
    decode: { weight: 0, logSum: 0 },
    prompt: { weight: 0, logSum: 0 },
    sums: { w: 0, wx: 0, wxx: 0, wy: 0, wxy: 0 },
  };
}

/** The state after one more request; the same state where the request tells nothing. */
export function observeSpeed(state: SpeedState, seen: SpeedObservation): SpeedState {
  const gaps = seen.outputTokens - 1;
  const usable = gaps >= 1 && seen.decodeMs > 0 && seen.meanBatch >= 1;
  if (!usable) return observePrompt(state, seen);
  const { speed } = speedOf(state);
  const expected = Math.max(TERM_MS_MIN, stepMs(speed, seen.meanBatch));
  const heldMs = speed.perKvTokenMs * seen.meanHeldTokens;
  const y = within(seen.decodeMs / gaps - heldMs, expected);
  const x = seen.meanBatch;
  const w = Math.min(1, gaps / FULL_WEIGHT_GAPS);
  const { sums, prior } = state;
  const expectedByPrior = Math.max(TERM_MS_MIN, stepMs(prior, x));
  return observePrompt(
    {
      ...state,
      observations: state.observations + 1,
      decode: averaged(state.decode, y / expectedByPrior, w),
      sums: {
        w: KEPT * sums.w + w,
        wx: KEPT * sums.wx + w * x,
        wxx: KEPT * sums.wxx + w * x * x,
        wy: KEPT * sums.wy + w * y,
        wxy: KEPT * sums.wxy + w * x * y,
      },
    },
    seen,
  );
}

/**
 * The present estimate: least squares on step time = base + slope x batch with forgetting, both not
 * negative. The prior's shape, scaled to the measured level, stands in where the batch never varied.
 */
export function speedOf(state: SpeedState): SpeedEstimate {
  const { prior, observations } = state;
  const scale = ratioOf(state.decode);
  const sums = ANCHOR_BATCHES.reduce(
    (sums, batch) => plus(sums, batch, scale * stepMs(prior, batch)),
    state.sums,
  );
  const [baseMs, perSequenceMs] = observations === 0 ? priorTerms(prior) : nonNegativeLine(sums);
  const speed = {
    baseMs,
    perSequenceMs,
    perKvTokenMs: prior.perKvTokenMs * scale,
    perPromptTokenMs: Math.max(0, prior.perPromptTokenMs) * ratioOf(state.prompt),
  };
  return { speed, observations };
}

function observePrompt(state: SpeedState, seen: SpeedObservation): SpeedState {
  const { promptTokens, firstTokenMs, meanBatch } = seen;
  const prior = state.prior.perPromptTokenMs;
  if (promptTokens < PROMPT_TOKENS_MIN || firstTokenMs <= 0 || prior <= 0) return state;
  const { speed } = speedOf(state);
  // The step that gave the first token is the prompt's own.
  const ownMs = firstTokenMs - stepMs(speed, Math.max(1, meanBatch));
  const y = within(ownMs / promptTokens, speed.perPromptTokenMs);
  const w = y > speed.perPromptTokenMs ? ABOVE_WEIGHT : 1;
  return { ...state, prompt: averaged(state.prompt, y / prior, w) };
}

function stepMs(speed: Speed, batch: number): number {
  return speed.baseMs + speed.perSequenceMs * batch;
}

function priorTerms(prior: Speed): readonly [number, number] {
  return [prior.baseMs, prior.perSequenceMs];
}

function within(value: number, expected: number): number {
  return Math.min(expected * OUTLIER_FACTOR, Math.max(expected / OUTLIER_FACTOR, value));
}

function averaged(mean: RatioMean, ratio: number, weight: number): RatioMean {
  return {
    weight: KEPT * mean.weight + weight,
    logSum: KEPT * mean.logSum + weight * Math.log(ratio),
  };
}

/** The mean counts the prior as one observation of ratio 1. */
function ratioOf(mean: RatioMean): number {
  return Math.exp(mean.logSum / (1 + mean.weight));
}

function plus(sums: StepSums, x: number, y: number): StepSums {
  return {
    w: sums.w + ANCHOR_WEIGHT,
    wx: sums.wx + ANCHOR_WEIGHT * x,
    wxx: sums.wxx + ANCHOR_WEIGHT * x * x,
    wy: sums.wy + ANCHOR_WEIGHT * y,
    wxy: sums.wxy + ANCHOR_WEIGHT * x * y,
  };
}

/** Least squares line through the sums with neither term below zero. The anchors keep it solvable. */
function nonNegativeLine(sums: StepSums): readonly [number, number] {
  const { w, wx, wxx, wy, wxy } = sums;
  const determinant = w * wxx - wx * wx;
  const base = (wy * wxx - wxy * wx) / determinant;
  const slope = (w * wxy - wx * wy) / determinant;
  if (base >= 0 && slope >= 0) return [base, slope];
  // With two terms of which one must be zero, the other one alone is the optimum.
  return base < 0 ? [0, Math.max(0, wxy / wxx)] : [Math.max(0, wy / w), 0];
}
