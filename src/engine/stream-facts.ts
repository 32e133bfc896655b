import { type EventFields, eventFields, parseEventData, UNREADABLE_EVENT } from "./event-fields.ts";

/** What an engine counted; null where it did not say. */
export interface StreamUsage {
  /** Cached ones included. */
  readonly promptTokens: number;
  /** Over all choices. */
  readonly completionTokens: number;
  readonly cachedTokens: number | null;
}

type Json = Readonly<Record<string, unknown>>;

/** usage: carries usage and nothing else. */
export type EventWorth = "usage" | "other" | "unreadable";

/** A choice's index that is no nonsense. */
const CHOICE_INDEX_MAX = 1023;
const ERROR_CHARACTERS_MAX = 4_000;
const BYTE_ORDER_MARK = "\u00ef\u00bb\u00bf";

/**
 * What the events of one stream have told so far. An event is parsed only when a search says that it
 * may tell something; one that only carries a token is counted by its looks.
 */
export class StreamFacts {
  /** Events with content, reasoning or tool calls in them, one a choice: an estimate of tokens. */
  deltas = 0;
  done = false;
  errorMessage: string | null = null;
  model: string | null = null;
  id: string | null = null;
  usage: StreamUsage | null = null;
  finishedChoices = 0;
  readonly finishReasons: (string | undefined)[] = [];

  private readonly choices: number;
  private readonly onEvent: ((event: unknown) => void) | null;
  /** What stood before and after the words of the newest plain delta; nothing where that was of another kind. */
  private head = "";
  private tail = "";
  private firstEvent = true;
  private named = false;
  /** Events that carried usage and no choice. */
  private usageEvents = 0;
  /** Latest completion tokens by choice, from usage that came along with a choice. */
  private readonly tokensByChoice: number[] = [];

  constructor(choices: number, onEvent: ((event: unknown) => void) | null) {
    this.choices = choices;
    this.onEvent = onEvent;
  }

  /** Reads one event, a range of Latin-1 text; true when it carries usage and nothing else. */
  read(text: string, start: number, end: number): boolean {
    if (this.isLikeTheLast(text, start, end)) {
      this.deltas++;
      return false;
    }
    const event = this.split(text, start, end);
    const isError = event.name === "error";
    if (event.data === "") return false;
    if (event.data.startsWith("[DONE]")) {
      this.done = true;
      return false;
    }
    if (this.named && this.onEvent === null && !isError && !tellsMore(event.data)) {
      if (isPlainDelta(event.data)) {
        this.deltas++;
        this.remember(text, start, end);
        return false;
      }
    }
    const worth = this.absorb(event.data, isError);
    if (worth === "unreadable" && this.onEvent !== null) this.errorMessage ??= UNREADABLE_EVENT;
    return worth === "usage";
  }

  /** Reads a last event that lacks its blank line, which may be half an event. */
  readLast(bytes: Buffer): EventWorth {
    const text = bytes.toString("latin1");
    const event = this.split(text, 0, text.length);
    if (event.data.startsWith("[DONE]")) {
      this.done = true;
      return "other";
    }
    return this.absorb(event.data, event.name === "error");
  }

  /** All but its words is what it was in the plain delta that was remembered. */
  private isLikeTheLast(text: string, start: number, end: number): boolean {
    const { head, tail } = this;
    if (head === "" || !text.startsWith(head, start)) return false;
    const close = text.indexOf('"', start + head.length);
    return (
      close > start + head.length && close === end - tail.length && text.startsWith(tail, close)
    );
  }

  private remember(text: string, start: number, end: number): void {
    const words = wordsStart(text, start, end);
    const close = words === -1 ? -1 : text.indexOf('"', words);
    if (close === -1 || close >= end || text[close - 1] === "\\") return;
    // A part of a text would keep the whole of it.
    this.head = Buffer.from(text.slice(start, words), "latin1").toString("latin1");
    this.tail = Buffer.from(text.slice(close, end), "latin1").toString("latin1");
  }

  private split(text: string, start: number, end: number): EventFields {
    let from = start;
    if (this.firstEvent) {
      this.firstEvent = false;
      if (text.startsWith(BYTE_ORDER_MARK, start)) from += BYTE_ORDER_MARK.length;
    }
    return eventFields(text, from, end);
  }

  private absorb(data: string, isError: boolean): EventWorth {
    const event = parseEventData(data);
    if (event === undefined) {
      if (isError) this.errorMessage ??= data.slice(0, ERROR_CHARACTERS_MAX);
      return "unreadable";
    }
    this.onEvent?.(event);
    if (!isJson(event)) return "other";
    this.named = true;
    if (this.model === null && typeof event["model"] === "string") this.model = event["model"];
    if (this.id === null && typeof event["id"] === "string") this.id = event["id"];
    this.errorMessage ??= errorOf(event, isError);
    const choices = Array.isArray(event["choices"]) ? event["choices"].filter(isJson) : [];
    for (const choice of choices) this.readChoice(choice);
    const counts = readUsage(event);
    if (counts === null) return "other";
    this.countUsage(counts, choices[0]);
    return choices.length === 0 ? "usage" : "other";
  }

  private readChoice(choice: Json): void {
    if (carriesTokens(choice)) this.deltas++;
    const reason = choice["finish_reason"];
    const index = choiceIndex(choice);
    if (typeof reason !== "string" || reason === "" || index === null) return;
    if (this.finishReasons[index] === undefined) this.finishedChoices++;
    this.finishReasons[index] = reason;
  }

  /**
   * Usage alone in an event is the total (vLLM) or one choice's share (llama.cpp sends one event a
   * choice); beside a choice it is that choice's running count, and the total overrules it.
   */
  private countUsage(counts: StreamUsage, choice: Json | undefined): void {
    if (choice === undefined) {
      this.usageEvents++;
      const isShare = this.usageEvents > 1 && this.usageEvents <= this.choices;
      const before = isShare ? (this.usage?.completionTokens ?? 0) : 0;
      this.usage = { ...counts, completionTokens: before + counts.completionTokens };
    } else if (this.usageEvents === 0) {
      this.tokensByChoice[choiceIndex(choice) ?? 0] = counts.completionTokens;
      const total = this.tokensByChoice.reduce((sum, tokens) => sum + tokens, 0);
      this.usage = { ...counts, completionTokens: total };
    }
  }
}

/**
 * True when the event may hold usage, a finish reason or an error. Quotes inside JSON strings are
 * escaped, so a key cannot be met in content; the opening quote is left out of the search because it
 * is the commonest character there.
 */
function tellsMore(data: string): boolean {
  return holds(data, 'finish_reason"') || holds(data, 'usage"') || holds(data, 'error"');
}

/** Whether the key is there with a value other than null. */
function holds(data: string, key: string): boolean {
  let at = data.indexOf(key);
  while (at !== -1) {
    at += key.length;
    while (data[at] === " " || data[at] === ":") at++;
    if (data[at] !== "n") return true;
    at = data.indexOf(key, at);
  }
  return false;
}

const DELTA = 'delta":{';
const ROLE = '"role":"assistant",';
const NO_CONTENT = '"content":null,';
const TEXT_FIELDS: readonly string[] = ['"content":"', '"reasoning_content":"', '"reasoning":"'];

const WORD_FIELDS: readonly string[] = TEXT_FIELDS.map((field) => DELTA + field);

/** The usual look of an event that carries tokens, as the engines write it; anything else is parsed. */
function isPlainDelta(data: string): boolean {
  let at = data.indexOf(DELTA);
  if (at === -1) {
    at = data.indexOf('"text":"');
    return at !== -1 && data[at + 8] !== '"';
  }
  at += DELTA.length;
  if (data.startsWith(ROLE, at)) at += ROLE.length;
  for (const field of TEXT_FIELDS) {
    if (data.startsWith(field, at)) return data[at + field.length] !== '"';
  }
  if (data.startsWith(NO_CONTENT, at)) at += NO_CONTENT.length;
  return data.startsWith('"tool_calls":[{', at);
}

/** Where the words of a plain delta begin that is an event of one line; -1 where it is none or has none. */
function wordsStart(text: string, start: number, end: number): number {
  if (!text.startsWith("data:", start)) return -1;
  for (const field of WORD_FIELDS) {
    const at = text.indexOf(field, start);
    if (at !== -1 && at < end) return at + field.length;
  }
  return -1;
}

function carriesTokens(choice: Json): boolean {
  if (isFilled(choice["text"])) return true;
  const delta = choice["delta"];
  if (!isJson(delta)) return false;
  return (
    isFilled(delta["content"]) ||
    isFilled(delta["reasoning_content"]) ||
    isFilled(delta["reasoning"]) ||
    isFilled(delta["tool_calls"]) ||
    isFilled(delta["refusal"])
  );
}

function isFilled(value: unknown): boolean {
  return (typeof value === "string" || Array.isArray(value)) && value.length > 0;
}

function choiceIndex(choice: Json): number | null {
  const index = choice["index"] ?? 0;
  if (typeof index !== "number" || !Number.isInteger(index)) return null;
  return index >= 0 && index <= CHOICE_INDEX_MAX ? index : null;
}

function readUsage(event: Json): StreamUsage | null {
  const usage = event["usage"];
  if (!isJson(usage)) return null;
  const promptTokens = count(usage["prompt_tokens"]);
  const completionTokens = count(usage["completion_tokens"]);
  if (promptTokens === null && completionTokens === null) return null;
  const details = usage["prompt_tokens_details"];
  const timings = event["timings"];
  const cachedTokens =
    (isJson(details) ? count(details["cached_tokens"]) : null) ??
    (isJson(timings) ? count(timings["cache_n"]) : null);
  return { promptTokens: promptTokens ?? 0, completionTokens: completionTokens ?? 0, cachedTokens };
}

function count(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) && value >= 0 ? value : null;
}

function errorOf(event: Json, isError: boolean): string | null {
  const error = event["error"] ?? (isError || event["object"] === "error" ? event : null);
  if (error === null || error === undefined) return null;
  const message = isJson(error) ? error["message"] : error;
  const text = typeof message === "string" ? message : JSON.stringify(error);
  return text.slice(0, ERROR_CHARACTERS_MAX);
}

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
