import { fieldOf, isObject, type JsonObject } from "../workflow/json.ts";
import { readPrompt } from "../workflow/prompt.ts";
import { TextHash } from "../workflow/text-hash.ts";
import { badRequest, invalidBody, type Refusal } from "./emulator-refusal.ts";

export type Endpoint = "chat" | "completion";

/** What a body asks for. */
export interface Generation {
  readonly endpoint: Endpoint;
  /** Null when the body names none. */
  readonly model: string | null;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  /** Null when only the context limits the answer. */
  readonly maxTokens: number | null;
  readonly minTokens: number;
  readonly ignoreEos: boolean;
  readonly stop: readonly string[];
  readonly priority: number;
  /** A quarter of the characters, at least 1; token ids count as they are. */
  readonly promptTokens: number;
  readonly promptHash: number;
}

export type ReadGeneration =
  | { readonly ok: true; readonly generation: Generation }
  | { readonly ok: false; readonly refusal: Refusal };

/** What vLLM gives a completion that states no limit. */
const COMPLETION_TOKENS = 16;
const CHARACTERS_PER_TOKEN = 4;
const INTEGERS = ["max_tokens", "max_completion_tokens", "min_tokens", "priority", "n"] as const;

/** Reads a body as vLLM does: lenient with what it does not know, strict with types. */
export function readGeneration(endpoint: Endpoint, text: string): ReadGeneration {
  if (text === "") return refuse(invalidBody("missing", "body", "Field required"));
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return refuse(invalidBody("json_invalid", "body", "JSON decode error"));
  }
  if (!isObject(body)) {
    const message = "Input should be a valid dictionary or object to extract fields from";
    return refuse(invalidBody("model_attributes_type", "body", message));
  }
  const refusal = typeProblem(body) ?? promptProblem(endpoint, body) ?? valueProblem(body);
  if (refusal !== null) return refuse(refusal);
  return { ok: true, generation: generationOf(endpoint, body) };
}

function refuse(refusal: Refusal): ReadGeneration {
  return { ok: false, refusal };
}

function typeProblem(body: JsonObject): Refusal | null {
  for (const name of INTEGERS) {
    const value = fieldOf(body, name) ?? 0;
    if (Number.isSafeInteger(value)) continue;
    return invalidBody("int_parsing", `body.${name}`, "Input should be a valid integer");
  }
  for (const name of ["stream", "ignore_eos"]) {
    const value = fieldOf(body, name) ?? false;
    if (typeof value === "boolean") continue;
    return invalidBody("bool_parsing", `body.${name}`, "Input should be a valid boolean");
  }
  const model = fieldOf(body, "model") ?? "";
  if (typeof model === "string") return null;
  return invalidBody("string_type", "body.model", "Input should be a valid string");
}

function promptProblem(endpoint: Endpoint, body: JsonObject): Refusal | null {
  if (endpoint === "chat") return messagesProblem(fieldOf(body, "messages"));
  const prompt = fieldOf(body, "prompt") ?? "";
  const length = typeof prompt === "string" || Array.isArray(prompt) ? prompt.length : 0;
  if (length === 0) {
    const message = "Either prompt or prompt_embeds must be provided and non-empty.";
    return badRequest(`${message} (parameter=prompt)`, "prompt");
  }
  if (typeof prompt === "string" || length === 1 || !isBatch(prompt)) return null;
  return badRequest("This emulated engine takes one prompt a request.", "prompt");
}

function isBatch(prompt: unknown): boolean {
  return Array.isArray(prompt) && prompt.some((item) => typeof item !== "number");
}

function messagesProblem(messages: unknown): Refusal | null {
  if (messages === undefined) return invalidBody("missing", "body.messages", "Field required");
  if (!Array.isArray(messages)) {
    return invalidBody("list_type", "body.messages", "Input should be a valid list");
  }
  if (messages.length > 0) return null;
  return badRequest(
    "Cannot apply chat template to an empty conversation. Provide at least one message.",
    null,
  );
}

function valueProblem(body: JsonObject): Refusal | null {
  if (isObject(fieldOf(body, "stream_options")) && fieldOf(body, "stream") !== true) {
    const message = "Stream options can only be defined when `stream=True`.";
    return badRequest(`${message} (parameter=stream_options)`, "stream_options");
  }
  const maxTokens = maxTokensOf(body);
  if (maxTokens !== null && maxTokens < 1) {
    const message = `max_tokens must be at least 1, got ${maxTokens}.`;
    return badRequest(`${message} (parameter=max_tokens, value=${maxTokens})`, "max_tokens");
  }
  const choices = integerOf(body, "n") ?? 1;
  if (choices < 1) return badRequest(`n must be at least 1, got ${choices}.`, null);
  if (choices > 1) return badRequest("This emulated engine gives one choice a request.", "n");
  return null;
}

function generationOf(endpoint: Endpoint, body: JsonObject): Generation {
  const model = fieldOf(body, "model");
  const stop = fieldOf(body, "stop");
  return {
    endpoint,
    model: typeof model === "string" ? model : null,
    stream: fieldOf(body, "stream") === true,
    includeUsage: fieldOf(fieldOf(body, "stream_options"), "include_usage") === true,
    maxTokens: maxTokensOf(body) ?? (endpoint === "chat" ? null : COMPLETION_TOKENS),
    minTokens: integerOf(body, "min_tokens") ?? 0,
    ignoreEos: fieldOf(body, "ignore_eos") === true,
    stop: (Array.isArray(stop) ? stop : [stop]).filter(isStop),
    priority: integerOf(body, "priority") ?? 0,
    ...promptFacts(body),
  };
}

function maxTokensOf(body: JsonObject): number | null {
  return integerOf(body, "max_completion_tokens") ?? integerOf(body, "max_tokens");
}

function integerOf(body: JsonObject, name: string): number | null {
  const value = fieldOf(body, name);
  return typeof value === "number" ? value : null;
}

function isStop(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

function promptFacts(body: JsonObject): Pick<Generation, "promptTokens" | "promptHash"> {
  const prompt = readPrompt(body);
  const hash = new TextHash().add(prompt.tools).add(String(prompt.tokenIds));
  let characters = prompt.tools.length;
  for (const { role, text, calls } of prompt.messages) {
    hash.add(role).add(text).add(calls);
    characters += text.length + calls.length;
  }
  const tokens = prompt.tokenIds + Math.ceil(characters / CHARACTERS_PER_TOKEN);
  return { promptTokens: Math.max(1, tokens), promptHash: hash.digest() };
}
