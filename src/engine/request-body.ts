import type { AnswerFormat } from "./answer-reader.ts";
import { type EngineEndpoint, enginePriority, engineTraits } from "./endpoint.ts";
import { type JsonEdit, editJsonObject } from "./json-edit.ts";

export interface BodyChanges {
  /** How the engine is to answer. */
  readonly format: AnswerFormat;
  /** The scheduler's key, smaller is sooner; passed on to an engine that is configured for it. */
  readonly priorityKey: number | null;
  /** Limit for an engine that would else run on, when the client set none; null leaves it without. */
  readonly outputTokensMax: number | null;
  /** Fields of ours that the engine must not see. */
  readonly dropped: readonly string[];
}

/** What a client said of its output, as it said it. */
export interface OutputLimits {
  readonly max_tokens?: unknown;
  readonly max_completion_tokens?: unknown;
}

/**
 * The body for one engine, from the client's bytes and what they say of limits: the engine's model name,
 * streaming wherever the route can, usage asked for where it must be, the output limit in the spelling that the
 * engine reads, our priority or none. Everything else keeps its bytes. `original` must be a valid
 * JSON object.
 */
export function engineRequestBody(
  original: Uint8Array,
  limits: OutputLimits,
  endpoint: EngineEndpoint,
  changes: BodyChanges,
): Buffer {
  const traits = engineTraits(endpoint.kind);
  const edits = new Map<string, JsonEdit>();
  for (const field of changes.dropped) edits.set(field, null);
  edits.set("model", JSON.stringify(endpoint.upstreamModel));
  const completes = changes.format === "completion";
  if (changes.format !== "whole") edits.set("stream", "true");
  if (completes && traits.usageMustBeAsked) {
    edits.set("stream_options", new Map([["include_usage", "true"]]));
  }
  // The client's own priority is not the engine's business: in whatever polarity, it would overtake.
  const { priorityKey } = changes;
  const priority = priorityKey === null ? null : enginePriority(endpoint.priority, priorityKey);
  edits.set("priority", priority === null ? null : String(priority));
  const needsLimit = completes && traits.needsMaxTokens;
  const limit = needsLimit ? outputLimit(limits, changes.outputTokensMax) : null;
  if (limit !== null) edits.set("max_tokens", String(limit));
  const bytes = Buffer.from(original.buffer, original.byteOffset, original.byteLength);
  return editJsonObject(bytes, edits);
}

/** The `max_tokens` to set; null where the client's own stands, or there is none. */
function outputLimit(limits: OutputLimits, outputTokensMax: number | null): number | null {
  const { max_completion_tokens: limit, max_tokens: older } = limits;
  if (isLimit(limit)) return limit;
  // Zero and below mean "no limit" to some engines.
  return isLimit(older) ? null : outputTokensMax;
}

function isLimit(value: unknown): value is number {
  return typeof value === "number" && value > 0;
}
