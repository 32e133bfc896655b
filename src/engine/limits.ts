import type { EngineClient } from "./client.ts";
import { type EngineEndpoint, type EngineKind, engineTraits } from "./endpoint.ts";
import { readKvTokens } from "./metrics-reader.ts";

/** What an engine says it can hold; null where it does not say. */
export interface EngineLimits {
  /** Prompt and output of one request together. */
  readonly contextTokens: number | null;
  /** Sequences that run at once. */
  readonly sequences: number | null;
  /** Tokens of KV memory for all sequences. */
  readonly kvTokens: number | null;
}

export const NO_LIMITS: EngineLimits = { contextTokens: null, sequences: null, kvTokens: null };

type Json = Readonly<Record<string, unknown>>;

/** Where each kind tells its limits; a later path is asked when the earlier ones tell nothing. */
const PATHS: Readonly<Record<EngineKind, readonly string[]>> = {
  vllm: ["/v1/models"],
  sglang: ["/server_info", "/get_server_info", "/v1/models"],
  "llama.cpp": ["/props"],
  tgi: ["/info"],
  openai: ["/v1/models"],
  ollama: [],
  transformers: [],
};

type Asked = Pick<EngineClient, "endpoint" | "getJson" | "getText">;

/** Asks an engine for its limits. Never throws: what cannot be read is null. */
export async function discoverLimits(client: Asked): Promise<EngineLimits> {
  for (const path of PATHS[client.endpoint.kind]) {
    const reply = await client.getJson(path);
    if (reply.failure !== null || reply.status !== 200) continue;
    const limits = readLimits(reply.body, client.endpoint);
    if (Object.values(limits).every((limit) => limit === null)) continue;
    return { ...limits, kvTokens: limits.kvTokens ?? (await kvTokensFromMetrics(client)) };
  }
  return NO_LIMITS;
}

async function kvTokensFromMetrics(client: Asked): Promise<number | null> {
  const { metricsPath } = engineTraits(client.endpoint.kind);
  if (metricsPath === null) return null;
  const reply = await client.getText(metricsPath);
  return reply.failure === null && reply.status === 200 ? readKvTokens(reply.body) : null;
}

/** Reads any of the answers in which engines tell their limits. */
export function readLimits(body: unknown, endpoint: EngineEndpoint): EngineLimits {
  const json = asJson(body);
  const settings = asJson(json["default_generation_settings"]);
  const model = modelEntry(json["data"], endpoint.upstreamModel);
  const slots = count(json["total_slots"]);
  // llama.cpp's n_ctx is that of one slot.
  const slotTokens = count(settings["n_ctx"]);
  return {
    contextTokens: first([
      slotTokens,
      model["max_model_len"],
      json["context_length"],
      json["max_total_tokens"],
    ]),
    sequences: first([slots, json["max_running_requests"], json["max_concurrent_requests"]]),
    kvTokens: first([
      slots !== null && slotTokens !== null ? slots * slotTokens : null,
      json["max_total_num_tokens"],
      json["max_batch_total_tokens"],
    ]),
  };
}

function modelEntry(data: unknown, name: string): Json {
  const models = Array.isArray(data) ? data.map(asJson) : [];
  return models.find((model) => model["id"] === name) ?? models[0] ?? {};
}

function first(candidates: readonly unknown[]): number | null {
  return candidates.map(count).find((value) => value !== null) ?? null;
}

function count(value: unknown): number | null {
  return typeof value === "number" && Number.isFinite(value) && value > 0 ? value : null;
}

function asJson(value: unknown): Json {
  return isJson(value) ? value : {};
}

function isJson(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
