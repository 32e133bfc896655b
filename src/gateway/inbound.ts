import { isUtf8 } from "node:buffer";
import { type Prompt, readPrompt } from "../workflow/prompt.ts";
import { gatewayError, type GatewayError } from "./errors.ts";

/** The two routes that engines of every kind have. */
export type OpenAiKind = "chat" | "completions";

/** Fields that limit the output tokens. */
const LIMITS = ["max_completion_tokens", "max_tokens"];

export type JsonObject = Readonly<Record<string, unknown>>;

/** A request as the client wrote it, with the few fields that the gateway itself needs. */
export interface Inbound {
  readonly bytes: Buffer;
  readonly body: JsonObject;
  readonly prompt: Prompt;
  readonly model: string;
  readonly streams: boolean;
  /** The client asked for usage in its stream. */
  readonly wantsUsage: boolean;
  /** Choices that are to come: `n`, times the prompts. */
  readonly choices: number;
}

export type InboundResult =
  | { readonly ok: true; readonly inbound: Inbound }
  | { readonly ok: false; readonly error: GatewayError };

/**
 * Strict about what the gateway needs and about what makes engines answer 500; every other field
 * goes to the engine as it is.
 */
export function parseInbound(kind: OpenAiKind, bytes: Buffer): InboundResult {
  const head = parseHead(bytes);
  if (!head.ok) return head;
  const { body } = head.inbound;
  const problem = kind === "chat" ? messagesProblem(body["messages"]) : promptProblem(body);
  if (problem !== null) return problem;
  const limit = brokenLimit(body);
  if (limit !== null) return invalid(limit, "a whole number");
  const wantsUsage = asksForUsage(body["stream_options"]);
  const { model, prompt, streams } = head.inbound;
  const choices = choicesOf(kind, body);
  return { ok: true, inbound: { bytes, body, prompt, model, streams, wantsUsage, choices } };
}

/** What the requests of every API have in common: an object with a model and perhaps a stream. */
export function parseHead(bytes: Buffer): InboundResult {
  const parsed = parseJson(bytes);
  if (parsed === null) return refuse("invalid_json", null, null);
  const body = parsed.value;
  if (!isObject(body)) return refuse("invalid_request", "The body must be an object.", null);
  const model = body["model"];
  if (typeof model !== "string" || model === "") return invalid("model", "a non-empty string");
  const stream = body["stream"] ?? false;
  if (typeof stream !== "boolean") return invalid("stream", "a boolean");
  return {
    ok: true,
    inbound: {
      bytes,
      body,
      prompt: readPrompt(body),
      model,
      streams: stream,
      wantsUsage: false,
      choices: 1,
    },
  };
}

/** null when the bytes are not UTF-8, not JSON, or nested beyond what can be read. */
export function parseJson(bytes: Buffer): { readonly value: unknown } | null {
  if (!isUtf8(bytes)) return null;
  try {
    return { value: JSON.parse(bytes.toString("utf8")) };
  } catch {
    // SyntaxError, or RangeError from the depth of the nesting: the client's mistake either way.
    return null;
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function messagesProblem(messages: unknown): InboundResult | null {
  if (!Array.isArray(messages) || messages.length === 0) {
    return invalid("messages", "a non-empty array");
  }
  const wrong = messages.findIndex(
    (message) => !isObject(message) || typeof message["role"] !== "string",
  );
  return wrong < 0 ? null : invalid(`messages[${wrong}]`, "an object with a role");
}

function promptProblem(body: JsonObject): InboundResult | null {
  const prompt = body["prompt"];
  const known = typeof prompt === "string" || (Array.isArray(prompt) && prompt.length > 0);
  return known ? null : invalid("prompt", "a string or a non-empty array");
}

/** The limit on output tokens that is no whole number, by name; null when there is none. */
function brokenLimit(body: JsonObject): string | null {
  const broken = LIMITS.find((name) => !Number.isInteger(body[name] ?? 0));
  return broken ?? null;
}

function choicesOf(kind: OpenAiKind, body: JsonObject): number {
  const n = body["n"];
  const each = typeof n === "number" && Number.isInteger(n) && n > 1 ? n : 1;
  const prompt = body["prompt"];
  // An array of numbers is one prompt.
  const several = kind === "completions" && Array.isArray(prompt) && !Number.isInteger(prompt[0]);
  return several ? each * prompt.length : each;
}

function asksForUsage(streamOptions: unknown): boolean {
  return isObject(streamOptions) && streamOptions["include_usage"] === true;
}

function invalid(param: string, what: string): InboundResult {
  return refuse("invalid_request", `${param} must be ${what}.`, param);
}

function refuse(
  code: "invalid_json" | "invalid_request",
  detail: string | null,
  param: string | null,
): InboundResult {
  return { ok: false, error: gatewayError(code, { detail, param }) };
}
