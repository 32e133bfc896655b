import { createParser, type EventSourceMessage, type EventSourceParser } from "eventsource-parser";
import { fieldOf } from "../workflow/json.ts";

/** Longest event that is held, in characters. */
const EVENT_CHARACTERS_MAX = 16 * 1024 * 1024;
/** Begins the gateway's last comment when its headers had gone before the decision. */
const DECISION_MARK = "chimera ";

/** How a streamed answer ended. */
export type AnswerEnd =
  | { readonly good: true; readonly outputTokens: number }
  | { readonly good: false; readonly reason: string };

/** Reads one streamed chat completion as a client does. */
export class AnswerReader {
  readonly #decoder = new TextDecoder();
  readonly #parser: EventSourceParser;
  /** What the gateway's headers could not say any more; empty when they said it. */
  readonly decision: Map<string, string> = new Map();
  /** The model that the events name; null before the first. */
  model: string | null = null;
  #error: string | null = null;
  #finished = false;
  /** Events with a choice: an estimate of tokens. */
  #deltas = 0;
  #completionTokens: number | null = null;

  constructor() {
    this.#parser = createParser({
      maxBufferSize: EVENT_CHARACTERS_MAX,
      onEvent: (event) => this.#read(event),
      onComment: (comment) => this.#readComment(comment),
    });
  }

  feed(bytes: Uint8Array): void {
    this.#parser.feed(this.#decoder.decode(bytes, { stream: true }));
  }

  /** The bytes have ended. A stream is whole when it has told its finish reason and no error. */
  finish(): AnswerEnd {
    if (this.#error !== null) return { good: false, reason: this.#error };
    if (!this.#finished) return { good: false, reason: "broken-stream" };
    return { good: true, outputTokens: this.#completionTokens ?? this.#deltas };
  }

  #read({ event, data }: EventSourceMessage): void {
    if (data === "[DONE]") return;
    const value = parsed(data);
    const error = fieldOf(value, "error");
    if (event === "error" || (error !== undefined && error !== null)) {
      this.#error ??= withCode("error-event", value);
      return;
    }
    const model = fieldOf(value, "model");
    if (typeof model === "string") this.model ??= model;
    const tokens = fieldOf(fieldOf(value, "usage"), "completion_tokens");
    if (typeof tokens === "number") this.#completionTokens = tokens;
    const choices = fieldOf(value, "choices");
    if (!Array.isArray(choices) || choices.length === 0) return;
    this.#deltas++;
    if (typeof fieldOf(choices[0], "finish_reason") === "string") this.#finished = true;
  }

  #readComment(comment: string): void {
    if (!comment.startsWith(DECISION_MARK)) return;
    const headers = parsed(comment.slice(DECISION_MARK.length));
    for (const [name, value] of Object.entries(headers ?? {})) {
      if (typeof value === "string") this.decision.set(name, value);
    }
  }
}

/** A reason with the code of an OpenAI error object behind it, where there is one. */
export function withCode(reason: string, body: unknown): string {
  const code = fieldOf(fieldOf(body, "error"), "code");
  return typeof code === "string" ? `${reason} ${code}` : reason;
}

/** The value of a JSON text; undefined where it is none. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
