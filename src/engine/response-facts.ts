import { eventFields, parseEventData, UNREADABLE_EVENT } from "./event-fields.ts";
import type { EventWorth, StreamUsage } from "./stream-facts.ts";

type Json = Readonly<Record<string, unknown>>;

const ERROR_CHARACTERS_MAX = 4_000;

/** Events after which nothing more is told of a response that is whole. */
const LAST_TYPES: ReadonlySet<string> = new Set(["response.completed", "response.incomplete"]);

/**
 * What the events of the Responses API have told so far; the same face as `StreamFacts`. The one
 * response stands where a completion has its choices.
 */
export class ResponseFacts {
  /** Events that add text, thoughts or arguments: an estimate of tokens. */
  deltas = 0;
  done = false;
  errorMessage: string | null = null;
  model: string | null = null;
  id: string | null = null;
  usage: StreamUsage | null = null;
  readonly finishReasons: (string | undefined)[] = [];
  private readonly onEvent: ((event: unknown) => void) | null;

  constructor(onEvent: ((event: unknown) => void) | null) {
    this.onEvent = onEvent;
  }

  get finishedChoices(): number {
    return this.finishReasons.length;
  }

  /** Reads one event, a range of Latin-1 text. None of them is left out: false. */
  read(text: string, start: number, end: number): boolean {
    const { data, name } = eventFields(text, start, end);
    // Most events only add a piece, and their name says so.
    if (this.onEvent === null && name.endsWith(".delta")) this.deltas++;
    else if (data !== "" && !this.absorb(data, name) && this.onEvent !== null) {
      this.errorMessage ??= UNREADABLE_EVENT;
    }
    return false;
  }

  /** Reads a last event that lacks its blank line, which may be half an event. */
  readLast(bytes: Buffer): EventWorth {
    const text = bytes.toString("latin1");
    const { data, name } = eventFields(text, 0, text.length);
    return this.absorb(data, name) ? "other" : "unreadable";
  }

  private absorb(data: string, name: string): boolean {
    if (data.startsWith("[DONE]")) {
      this.done = true;
      return true;
    }
    const event = parseEventData(data);
    if (!isJson(event)) {
      if (name === "error") this.errorMessage ??= data.slice(0, ERROR_CHARACTERS_MAX);
      return false;
    }
    this.onEvent?.(event);
    const type = typeof event["type"] === "string" ? event["type"] : name;
    const response = isJson(event["response"]) ? event["response"] : {};
    if (type.endsWith(".delta")) this.deltas++;
    this.errorMessage ??= errorOf(type, event, response);
    this.name(response);
    if (LAST_TYPES.has(type)) this.finish(type, response);
    return true;
  }

  private name(response: Json): void {
    if (this.model === null && typeof response["model"] === "string")
      this.model = response["model"];
    if (this.id === null && typeof response["id"] === "string") this.id = response["id"];
  }

  private finish(type: string, response: Json): void {
    this.finishReasons[0] = type;
    this.usage ??= readUsage(response["usage"]);
  }
}

function errorOf(type: string, event: Json, response: Json): string | null {
  const isError = type === "error" || type === "response.failed" || isJson(event["error"]);
  if (!isError) return null;
  const error = event["error"] ?? response["error"] ?? event;
  const message = isJson(error) ? error["message"] : error;
  const text = typeof message === "string" ? message : JSON.stringify(error);
  return text.slice(0, ERROR_CHARACTERS_MAX);
}

function readUsage(usage: unknown): StreamUsage | null {
  if (!isJson(usage)) return null;
  const { input_tokens: promptTokens, output_tokens: completionTokens } = usage;
  if (typeof promptTokens !== "number" || typeof completionTokens !== "number") return null;
  const details = usage["input_tokens_details"];
  const cached = isJson(details) ? details["cached_tokens"] : null;
  const cachedTokens = typeof cached === "number" ? cached : null;
  return { promptTokens, completionTokens, cachedTokens };
}

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
