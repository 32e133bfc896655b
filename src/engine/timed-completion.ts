import type { EngineClient, EngineFailure, EngineHeaders, EngineSink } from "./client.ts";
import type { Clock } from "./clock.ts";
import { type EngineEndpoint, type EngineKind, engineTraits } from "./endpoint.ts";
import { StreamReader } from "./stream-reader.ts";

/** One chat completion, measured. Times in ms on the clock that was given, lengths in tokens as the engine counted them. */
export interface TimedCompletion {
  readonly promptTokens: number;
  /** Of them, those that the engine had kept from earlier requests. */
  readonly cachedTokens: number;
  readonly outputTokens: number;
  readonly sentMs: number;
  /** When the stream had ended. */
  readonly endedMs: number;
}

export type TimedAnswer =
  | { readonly ok: true; readonly completion: TimedCompletion }
  | { readonly ok: false; readonly message: string };

export interface TimedAsk {
  readonly prompt: string;
  readonly outputTokensMax: number;
  readonly signal: AbortSignal | null;
}

/** Kinds that take `ignore_eos`: every answer has the length that was asked for. */
const IGNORES_EOS: ReadonlySet<EngineKind> = new Set<EngineKind>(["vllm", "sglang", "llama.cpp"]);
const REFUSAL_CHARACTERS_MAX = 300;

/** Sends one streamed chat completion and measures it. Never throws: what went wrong is told in words. */
export function timedCompletion(
  client: EngineClient,
  clock: Clock,
  ask: TimedAsk,
): Promise<TimedAnswer> {
  return new Promise((resolve) => {
    const { signal } = ask;
    const body = Buffer.from(JSON.stringify(bodyOf(client.endpoint, ask)));
    const sink = new TimedSink(client.endpoint.kind, clock, resolve);
    client.open({ path: "/chat/completions", body, headers: {}, signal }, sink);
  });
}

function bodyOf(endpoint: EngineEndpoint, ask: TimedAsk): Record<string, unknown> {
  return {
    model: endpoint.upstreamModel,
    messages: [{ role: "user", content: ask.prompt }],
    max_tokens: ask.outputTokensMax,
    stream: true,
    ...(engineTraits(endpoint.kind).usageMustBeAsked
      ? { stream_options: { include_usage: true } }
      : {}),
    ...(IGNORES_EOS.has(endpoint.kind) ? { ignore_eos: true } : {}),
  };
}

class TimedSink implements EngineSink {
  readonly #reader: StreamReader;
  readonly #clock: Clock;
  readonly #resolve: (answer: TimedAnswer) => void;
  readonly #sentMs: number;
  #status = 0;
  #refusal = "";

  constructor(kind: EngineKind, clock: Clock, resolve: (answer: TimedAnswer) => void) {
    this.#reader = new StreamReader({ kind, hideUsage: false, choices: 1 });
    this.#clock = clock;
    this.#resolve = resolve;
    this.#sentMs = clock.nowMs();
  }

  headers(status: number, _headers: EngineHeaders): void {
    this.#status = status;
  }

  chunk(bytes: Buffer): void {
    if (this.#status !== 200) {
      if (this.#refusal.length < REFUSAL_CHARACTERS_MAX) this.#refusal += bytes.toString("utf8");
      return;
    }
    this.#reader.push(bytes);
  }

  end(): void {
    if (this.#status !== 200) {
      const words = this.#refusal.replaceAll(/\s+/g, " ").slice(0, REFUSAL_CHARACTERS_MAX);
      return this.#fail(`the engine refused with status ${this.#status}: ${words}`);
    }
    const end = this.#reader.finish();
    if (!end.good) return this.#fail(end.message);
    const { usage } = this.#reader;
    if (usage === null) {
      return this.#fail("the engine told no usage, so its tokens cannot be counted");
    }
    const completion = {
      promptTokens: usage.promptTokens,
      cachedTokens: usage.cachedTokens ?? 0,
      outputTokens: usage.completionTokens,
      sentMs: this.#sentMs,
      endedMs: this.#clock.nowMs(),
    };
    this.#resolve({ ok: true, completion });
  }

  failed(failure: EngineFailure): void {
    this.#fail(failure.message);
  }

  #fail(message: string): void {
    this.#resolve({ ok: false, message });
  }
}
