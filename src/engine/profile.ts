import type { EngineClient } from "./client.ts";
import { type Clock, systemClock } from "./clock.ts";
import { discoverLimits, type EngineLimits } from "./limits.ts";
import { fitSpeed, type SpeedFit, type SpeedPoint } from "./speed-fit.ts";
import { timedCompletion, type TimedCompletion } from "./timed-completion.ts";

export interface ProfileOptions {
  /** Sequences that run at once, where the engine does not tell. */
  readonly sequencesMax: number;
  /** Output tokens of the longer requests. */
  readonly outputTokens: number;
  /** Times that each setting is measured. */
  readonly repeats: number;
  /** Tokens, prompts and outputs together, that the profile may cost. */
  readonly tokensMax: number;
  readonly timeMsMax: number;
  readonly signal: AbortSignal | null;
  /** Begins every prompt, so that no prefix cache knows one from an earlier run. */
  readonly nonce: string;
  readonly onProgress: (doing: string) => void;
}

export interface Profile extends SpeedFit {
  readonly points: readonly SpeedPoint[];
  readonly limits: EngineLimits;
  /** The largest batch of the plan. */
  readonly sequences: number;
  readonly tokensUsed: number;
  /** False: time or tokens ran out before every setting was measured. */
  readonly isComplete: boolean;
}

export type ProfileResult =
  | { readonly ok: true; readonly profile: Profile }
  | { readonly ok: false; readonly message: string };

/** One setting: so many requests at once, of such a length. */
interface Setting {
  readonly batch: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
}

const PROMPT_TOKENS_MIN = 32;
const PROMPT_TOKENS_MAX = 8192;
/** Where an engine does not tell how long a request may be. */
const CONTEXT_TOKENS_GUESS = 2048;
/** Chat template and a wrong guess of a prompt's tokens. */
const CONTEXT_TOKENS_SPARE = 64;
/** Enough to tell iterations, sequences and prompts apart. */
const SETTINGS_MIN = 4;
const WORDS_SHORT = 16;
const WORDS_LONG = 64;
const WORDS: readonly string[] = ["one", "two", "tree", "sun", "and", "rain", "for", "all"];

/**
 * Measures an engine with real requests and fits its table. Bounded in time and tokens; an abort ends
 * it, and the requests in flight with it. Never throws.
 */
export async function profileEngine(
  client: EngineClient,
  options: ProfileOptions,
  clock: Clock = systemClock,
): Promise<ProfileResult> {
  const limits = await discoverLimits(client);
  const run = new ProfileRun(client, options, clock);
  try {
    return { ok: true, profile: await run.profile(limits) };
  } catch (error) {
    if (!(error instanceof ProfileFailure)) throw error;
    return { ok: false, message: error.message };
  } finally {
    run.close();
  }
}

/** Why a profile cannot go on, for whoever asked for it. */
class ProfileFailure extends Error {}

class ProfileRun {
  readonly #client: EngineClient;
  readonly #options: ProfileOptions;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  readonly #timer: { cancel(): void };
  #timeIsUp = false;
  #tokensUsed = 0;
  #prompts = 0;
  /** A prompt's tokens are about fixed + perWord x words. */
  #fixedTokens = 0;
  #tokensPerWord = 1;

  constructor(client: EngineClient, options: ProfileOptions, clock: Clock) {
    this.#client = client;
    this.#options = options;
    this.#clock = clock;
    this.#timer = clock.setTimer(() => {
      this.#timeIsUp = true;
      this.#stop.abort();
    }, options.timeMsMax);
  }

  close(): void {
    this.#timer.cancel();
  }

  async profile(limits: EngineLimits): Promise<Profile> {
    await this.#learnPromptLengths();
    const sequences = limits.sequences ?? this.#options.sequencesMax;
    const plan = settingsOf({ ...limits, sequences }, this.#options.outputTokens);
    const seen = plan.map((): SpeedPoint[] => []);
    const isComplete = await this.#measureAll(plan, seen);
    const points = seen.filter((each) => each.length > 0).map(middle);
    if (points.length < SETTINGS_MIN) {
      throw new ProfileFailure(
        "time or tokens ran out before enough was measured; allow more of them",
      );
    }
    const tokensUsed = this.#tokensUsed;
    return { ...fitSpeed(points), points, limits, sequences, tokensUsed, isComplete };
  }

  /** Setting by setting, over and over: what disturbs the engine for a while disturbs all of them. False when time or tokens ran out. */
  async #measureAll(plan: readonly Setting[], seen: readonly SpeedPoint[][]): Promise<boolean> {
    for (let repeat = 0; repeat < this.#options.repeats; repeat++) {
      for (const [index, setting] of plan.entries()) {
        const points = await this.#measure(setting);
        if (points === null) return false;
        seen[index]?.push(...points);
      }
    }
    return true;
  }

  /** Two small requests, the first of which also wakes the engine up. */
  async #learnPromptLengths(): Promise<void> {
    this.#options.onProgress("first requests");
    const answers: TimedCompletion[] = [];
    for (const words of [WORDS_SHORT, WORDS_LONG]) {
      const answer = await this.#ask(words, 2);
      if (answer === null) throw new ProfileFailure("time ran out at the first requests");
      answers.push(answer);
    }
    const [short = 0, long = 0] = answers.map(({ promptTokens }) => promptTokens);
    this.#tokensPerWord = Math.max(0.1, (long - short) / (WORDS_LONG - WORDS_SHORT));
    this.#fixedTokens = short - this.#tokensPerWord * WORDS_SHORT;
  }

  /** Null when time or tokens have run out. */
  async #measure(setting: Setting): Promise<readonly SpeedPoint[] | null> {
    const { batch, promptTokens, outputTokens } = setting;
    const words = Math.max(1, (promptTokens - this.#fixedTokens) / this.#tokensPerWord);
    const cost = batch * (promptTokens + outputTokens);
    if (this.#tokensUsed + cost > this.#options.tokensMax) return null;
    this.#options.onProgress(`${batch} at once, ${promptTokens} + ${outputTokens} tokens`);
    const asked = Array.from({ length: batch }, () => this.#ask(words, outputTokens));
    const completions = (await Promise.all(asked)).filter((answer) => answer !== null);
    if (completions.length < batch) return null;
    return completions.map((own) => pointOf(own, completions));
  }

  /** Null when time ran out. */
  async #ask(words: number, outputTokensMax: number): Promise<TimedCompletion | null> {
    const { signal } = this.#options;
    const signals = signal === null ? [] : [signal];
    const answer = await timedCompletion(this.#client, this.#clock, {
      prompt: this.#prompt(words),
      outputTokensMax,
      signal: AbortSignal.any([this.#stop.signal, ...signals]),
    });
    if (answer.ok) {
      const { promptTokens, outputTokens } = answer.completion;
      this.#tokensUsed += promptTokens + outputTokens;
      return answer.completion;
    }
    if (signal?.aborted === true) throw new ProfileFailure("cancelled");
    if (this.#timeIsUp) return null;
    this.#stop.abort();
    throw new ProfileFailure(answer.message);
  }

  /** Never the same twice, and different from its first word on. */
  #prompt(words: number): string {
    const count = this.#prompts++;
    const drawn = Array.from(
      { length: Math.round(words) },
      (_, index) => WORDS[(index * 5 + count * 3 + (index >> 3)) % WORDS.length],
    );
    return [`${count}${this.#options.nonce}`, ...drawn].join(" ");
  }
}

function setting(batch: number, promptTokens: number, outputTokens: number): Setting {
  return { batch, promptTokens: Math.floor(promptTokens), outputTokens };
}

function settingsOf(
  limits: EngineLimits & { readonly sequences: number },
  outputTokens: number,
): Setting[] {
  const { sequences, kvTokens } = limits;
  const context = limits.contextTokens ?? CONTEXT_TOKENS_GUESS;
  const room = Math.min(PROMPT_TOKENS_MAX, context - CONTEXT_TOKENS_SPARE - outputTokens);
  const long = Math.max(PROMPT_TOKENS_MIN, room);
  const shared = Math.max(
    PROMPT_TOKENS_MIN,
    Math.min(long, Math.floor((kvTokens ?? Infinity) / sequences) - outputTokens),
  );
  const batches: number[] = [];
  for (let batch = 1; batch < sequences; batch *= 2) batches.push(batch);
  batches.push(sequences);
  // What a fit needs at least comes first.
  return [
    setting(1, PROMPT_TOKENS_MIN, outputTokens),
    setting(1, PROMPT_TOKENS_MIN, 1),
    setting(sequences, PROMPT_TOKENS_MIN, outputTokens),
    setting(1, long, 1),
    ...batches.slice(1, -1).map((batch) => setting(batch, PROMPT_TOKENS_MIN, outputTokens)),
    setting(1, long / 2, 1),
    setting(1, long, outputTokens),
    setting(sequences, shared, outputTokens),
  ];
}

/** What one request saw of itself and of those that were sent with it. */
function pointOf(own: TimedCompletion, together: readonly TimedCompletion[]): SpeedPoint {
  const spanMs = Math.max(own.endedMs - own.sentMs, Number.MIN_VALUE);
  let batch = 0;
  let heldTokens = 0;
  let promptTokens = 0;
  for (const { sentMs, endedMs, ...other } of together) {
    const togetherMs = Math.min(own.endedMs, endedMs) - Math.max(own.sentMs, sentMs);
    const share = Math.max(0, togetherMs) / spanMs;
    batch += share;
    heldTokens += share * (other.promptTokens + other.outputTokens / 2);
    if (share > 0) promptTokens += other.promptTokens - other.cachedTokens;
  }
  return { measuredMs: spanMs, batch, heldTokens, promptTokens, outputTokens: own.outputTokens };
}

function middle(points: readonly SpeedPoint[]): SpeedPoint {
  const of = (term: keyof SpeedPoint): number => median(points.map((point) => point[term]));
  return {
    measuredMs: of("measuredMs"),
    batch: of("batch"),
    heldTokens: of("heldTokens"),
    promptTokens: of("promptTokens"),
    outputTokens: of("outputTokens"),
  };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  const half = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(half)] ?? 0) + (sorted[Math.ceil(half)] ?? 0)) / 2;
}
