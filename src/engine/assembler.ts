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
    const choices = this.choices.flatMap((choice) => (choice === undefined ? [] : [choice]));
    const isText = choices.some((choice) => choice.isText);
    const object = isText ? "text_completion" : "chat.completion";
    const result: Json = { ...this.whole, object };
    result["choices"] = choices.map((choice) => choice.result(isText));
    if (usage !== null) {
      const { promptTokens, completionTokens } = usage;
      result["usage"] = {
        ...(isJson(this.whole["usage"]) ? this.whole["usage"] : {}),
        prompt_tokens: promptTokens,
        completion_tokens: completionTokens,
        total_tokens: promptTokens + completionTokens,
      };
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
  private readonly fields: Json;
  private readonly message: Json = {};
  private readonly calls: (Json | undefined)[] = [];

  constructor(index: number) {
    this.fields = { index };
  }

  add(choice: Json): void {
    const { delta, index: _, ...fields } = choice;
    if (typeof fields["text"] === "string") this.isText = true;
    merge(this.fields, fields);
    if (!isJson(delta)) return;
    const { tool_calls: calls, ...message } = delta;
    merge(this.message, message);
    if (Array.isArray(calls)) for (const call of calls) if (isJson(call)) this.addCall(call);
  }

  result(isText: boolean): Json {
    const { index, finish_reason: finishReason = null, ...fields } = this.fields;
    const end = { logprobs: null, ...fields, finish_reason: finishReason };
    if (isText) return { index, text: "", ...end };
    const calls = this.calls.flatMap((call) => (call === undefined ? [] : [call]));
    const { role = "assistant", content = null, ...rest } = this.message;
    const message: Json = { role, content: content ?? (calls.length > 0 ? null : ""), ...rest };
    if (calls.length > 0) message["tool_calls"] = calls;
    return { index, message, ...end };
  }

  /** A piece without an index begins a new call when it has an id, else it goes on with the last one. */
  private addCall(piece: Json): void {
    const { index: _, ...fields } = piece;
    const last = Math.max(0, this.calls.length - 1);
    const next = fields["id"] === undefined ? last : this.calls.length;
    const index = Math.min(indexOf(piece) ?? next, INDEX_MAX);
    const known = (this.calls[index] ??= {});
    merge(known, fields);
  }
}

function merge(target: Json, source: Json): void {
  for (const key of Object.keys(source)) {
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

/** A null or an empty text does not replace what is known; own copies, because pieces are joined in place. */
function set(target: Json, key: string, value: unknown): void {
  const old = own(target, key);
  const isKnown = old !== undefined && old !== null;
  if (isKnown && (value === null || value === undefined || value === "")) return;
  const copy = typeof value === "object" && value !== null ? structuredClone(value) : value;
  if (key !== "__proto__") target[key] = copy;
  else Object.defineProperty(target, key, { ...PLAIN_PROPERTY, value: copy });
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
