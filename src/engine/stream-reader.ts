import { type EngineKind, engineTraits } from "./endpoint.ts";
import { EventFraming } from "./event-framing.ts";
import { ResponseFacts } from "./response-facts.ts";
import { StreamFacts, type StreamUsage } from "./stream-facts.ts";

export type { StreamUsage };

/** Events of a chat or text completion, or those of the Responses API. */
export type StreamFormat = "completion" | "response";

export interface StreamReaderOptions {
  readonly format?: StreamFormat;
  readonly kind: EngineKind;
  /** The client did not ask for usage: the event that carries nothing else is left out. */
  readonly hideUsage: boolean;
  /** Choices the client asked for: `n`, times the number of prompts. */
  readonly choices: number;
  /** Called with every event's JSON, in order; for assembling and translating. Costs a parse per event. */
  readonly onEvent?: (event: unknown) => void;
  /** A longer event is passed on unread; with `onEvent` it is an error, since something would be lacking. */
  readonly eventBytesMax?: number;
}

export type StreamEnd =
  | {
      readonly good: true;
      /** Bytes of a last event that lacked its blank line, to be passed on; null in the common case. */
      readonly rest: Buffer | null;
    }
  | {
      readonly good: false;
      readonly reason: "no-finish-reason" | "error-event" | "truncated-event";
      readonly message: string;
    };

const EVENT_BYTES_MAX = 16 * 1024 * 1024;
const LONG_EVENT = "an event of the stream is longer than the gateway reads";

const MESSAGES = {
  "no-finish-reason": "the engine's stream ended without a finish_reason",
  "truncated-event": "the engine's stream broke off inside an event",
} as const;

/**
 * Reads an engine's event stream as it passes through. Bytes leave at the end of events only, so the
 * caller may put an event or a comment of its own between any two pushes.
 */
export class StreamReader {
  private readonly facts: StreamFacts | ResponseFacts;
  private readonly framing: EventFraming;
  private readonly choicesExpected: number;
  private readonly hideUsage: boolean;
  private readonly needsEvents: boolean;

  constructor(options: StreamReaderOptions) {
    this.choicesExpected = engineTraits(options.kind).honoursChoices ? options.choices : 1;
    const onEvent = options.onEvent ?? null;
    this.facts =
      options.format === "response"
        ? new ResponseFacts(onEvent)
        : new StreamFacts(options.choices, onEvent);
    const { facts } = this;
    const { hideUsage } = options;
    this.hideUsage = hideUsage;
    this.needsEvents = onEvent !== null;
    this.framing = new EventFraming(
      (text, start, end) => !(facts.read(text, start, end) && hideUsage),
      options.eventBytesMax ?? EVENT_BYTES_MAX,
    );
  }

  /** The bytes to pass on, the chunk itself where nothing is held back or left out; null when there are none. */
  push(chunk: Buffer): Buffer | null {
    return this.framing.push(chunk);
  }

  /** Output tokens so far: an estimate (one per event with content) until the engine says more. */
  get tokens(): number {
    const { usage, deltas } = this.facts;
    if (usage === null) return deltas;
    return this.isFinished() ? usage.completionTokens : Math.max(deltas, usage.completionTokens);
  }

  get firstTokenSeen(): boolean {
    return this.facts.deltas > 0;
  }

  /** By choice index; undefined where a choice has not finished. */
  get finishReasons(): readonly (string | undefined)[] {
    return this.facts.finishReasons;
  }

  /** Of the first choice that has one. */
  get finishReason(): string | null {
    return this.facts.finishReasons.find((reason) => reason !== undefined) ?? null;
  }

  get usage(): StreamUsage | null {
    return this.facts.usage;
  }

  /** `[DONE]` was seen. */
  get done(): boolean {
    return this.facts.done;
  }

  get errorMessage(): string | null {
    if (this.needsEvents && this.framing.hasSkipped) return this.facts.errorMessage ?? LONG_EVENT;
    return this.facts.errorMessage;
  }

  get model(): string | null {
    return this.facts.model;
  }

  get id(): string | null {
    return this.facts.id;
  }

  /**
   * What the end of the bytes means. A stream is good when every choice has told its finish reason,
   * with or without `[DONE]`; a clean close says nothing.
   */
  finish(): StreamEnd {
    const rest = this.framing.finish();
    const worth = rest === null ? null : this.facts.readLast(rest);
    const { errorMessage } = this;
    if (errorMessage !== null) return { good: false, reason: "error-event", message: errorMessage };
    if (this.isFinished()) {
      const isPassed = worth === "other" || (worth === "usage" && !this.hideUsage);
      return { good: true, rest: isPassed ? rest : null };
    }
    const reason = worth === "unreadable" ? "truncated-event" : "no-finish-reason";
    return { good: false, reason, message: MESSAGES[reason] };
  }

  private isFinished(): boolean {
    return this.facts.finishedChoices >= this.choicesExpected;
  }
}
