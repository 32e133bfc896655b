import type { StreamUsage } from "./stream-facts.ts";

type Json = Record<string, unknown>;

/** An index of a choice or a tool call that is no nonsense. */
const INDEX_MAX = 1023;

/** Strings that name something: they come whole, and repeated ones are not joined. */
const NAMES: ReadonlySet<string> = new Set([
  "id",
  "object",
  "role",
  "type",
  "name",
  "finish_reason",
  "stop_reason",
]);

/** Members that are put together in a way of their own. */
const NOTHING: ReadonlySet<string> = new Set();
const DELTA_AND_INDEX: ReadonlySet<string> = new Set(["delta", "index"]);
const CALLS: ReadonlySet<string> = new Set(["tool_calls"]);
const INDEX: ReadonlySet<string> = new Set(["index"]);
const FINISH: ReadonlySet<string> = new Set(["finish_reason"]);
const ROLE_AND_CONTENT: ReadonlySet<string> = new Set(["role", "content"]);

/**
 * Builds the whole `chat.completion` or `text_completion` from the events of its stream, for a client
 * that did not ask for a stream. Unknown fields are kept: texts and lists are joined, other values
 * are replaced by later ones. Its memory is bounded by what the engine sends within its time limit.
 */
export class Assembler {
  private readonly whole: Json = {};
  private readonly choices: (AssembledChoice | undefined)[] = [];

  /** Takes the JSON of one event; what is no object is passed over. */
  add(event: unknown): void {
    if (!isJson(event)) return;
    for (const key of Object.keys(event)) {
      if (key !== "choices") set(this.whole, key, event[key]);
    }
    if (!Array.isArray(event["choices"])) return;
    for (const choice of event["choices"]) if (isJson(choice)) this.addChoice(choice);
  }

  /** The whole answer, with the usage that the stream's reader made of all events. */
  result(usage: StreamUsage | null): Json {
    const result = this.whole;
    const choices: AssembledChoice[] = [];
    let isText = false;
    for (const choice of this.choices) {
      if (choice === undefined) continue;
      choices.push(choice);
      isText ||= choice.isText;
    }
    result["object"] = isText ? "text_completion" : "chat.completion";
    result["choices"] = choices.map((choice) => choice.result(isText));
    if (usage !== null) {
      const { promptTokens, completionTokens } = usage;
      const known = result["usage"];
      const counts: Json = isJson(known) ? known : {};
      counts["prompt_tokens"] = promptTokens;
      counts["completion_tokens"] = completionTokens;
      counts["total_tokens"] = promptTokens + completionTokens;
      result["usage"] = counts;
    }
    return result;
  }

  private addChoice(choice: Json): void {
    const index = indexOf(choice) ?? 0;
    const known = (this.choices[index] ??= new AssembledChoice(index));
    known.add(choice);
  }
}

class AssembledChoice {
  isText = false;
  private readonly index: number;
  private readonly fields: Json = {};
  private readonly message: Json = {};
  private readonly calls: (Json | undefined)[] = [];

  constructor(index: number) {
    this.index = index;
  }

  add(choice: Json): void {
    if (typeof choice["text"] === "string") this.isText = true;
    mergeBut(this.fields, choice, DELTA_AND_INDEX);
    const { delta } = choice;
    if (!isJson(delta)) return;
    mergeBut(this.message, delta, CALLS);
    const { tool_calls: calls } = delta;
    if (Array.isArray(calls)) for (const call of calls) if (isJson(call)) this.addCall(call);
  }

  result(isText: boolean): Json {
    const result: Json = isText
      ? { index: this.index, text: "", logprobs: null }
      : { index: this.index, message: this.wholeMessage(), logprobs: null };
    copyBut(this.fields, result, FINISH);
    result["finish_reason"] = this.fields["finish_reason"] ?? null;
    return result;
  }

  private wholeMessage(): Json {
    const calls = this.calls.filter((call) => call !== undefined);
    const { role = "assistant", content = null } = this.message;
    const message: Json = { role, content: content ?? (calls.length > 0 ? null : "") };
    copyBut(this.message, message, ROLE_AND_CONTENT);
    if (calls.length > 0) message["tool_calls"] = calls;
    return message;
  }

  /** A piece without an index begins a new call when it has an id, else it goes on with the last one. */
  private addCall(piece: Json): void {
    const last = Math.max(0, this.calls.length - 1);
    const next = piece["id"] === undefined ? last : this.calls.length;
    const index = Math.min(indexOf(piece) ?? next, INDEX_MAX);
    const known = (this.calls[index] ??= {});
    mergeBut(known, piece, INDEX);
  }
}

function merge(target: Json, source: Json): void {
  mergeBut(target, source, NOTHING);
}

/** All members but those of these names. */
function mergeBut(target: Json, source: Json, others: ReadonlySet<string>): void {
  for (const key of Object.keys(source)) {
    if (others.has(key)) continue;
    const old = own(target, key);
    const value = source[key];
    if (typeof old === "string" && typeof value === "string" && !NAMES.has(key)) {
      target[key] = old + value;
    } else if (Array.isArray(old) && Array.isArray(value)) {
      for (const item of value) old.push(item);
    } else if (isJson(old) && isJson(value)) merge(old, value);
    else set(target, key, value);
  }
}

function copyBut(source: Json, target: Json, others: ReadonlySet<string>): void {
  for (const key of Object.keys(source)) if (!others.has(key)) put(target, key, source[key]);
}

/** A null or an empty text does not replace what is known; own copies, because pieces are joined in place. */
function set(target: Json, key: string, value: unknown): void {
  const isEmpty = value === null || value === undefined || value === "";
  const old = isEmpty ? own(target, key) : null;
  if (old === undefined || old === null) put(target, key, copyOf(value));
}

/** Of a value that was read from JSON. */
function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(copyOf);
  if (!isJson(value)) return value;
  const copy: Json = {};
  for (const key of Object.keys(value)) put(copy, key, copyOf(value[key]));
  return copy;
}

function put(target: Json, key: string, value: unknown): void {
  if (key !== "__proto__") target[key] = value;
  else Object.defineProperty(target, key, { ...PLAIN_PROPERTY, value });
}

/** What an assignment would make of a key that is not `__proto__`. */
const PLAIN_PROPERTY: PropertyDescriptor = { writable: true, enumerable: true, configurable: true };

/** Engines may send a key such as `__proto__`. */
function own(target: Json, key: string): unknown {
  return Object.hasOwn(target, key) ? target[key] : undefined;
}

function indexOf(piece: Json): number | null {
  const index = piece["index"];
  if (typeof index !== "number" || !Number.isInteger(index)) return null;
  return index >= 0 && index <= INDEX_MAX ? index : null;
}

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
