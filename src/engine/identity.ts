import type { EngineClient } from "./client.ts";
import type { EngineKind } from "./endpoint.ts";

/** What an engine's list of models says about itself. */
export interface EngineIdentity {
  readonly kind: EngineKind;
  /** In its order. */
  readonly models: readonly string[];
}

/** Whom an engine names as the owner of its models. */
const OWNERS: readonly (readonly [RegExp, EngineKind])[] = [
  [/^vllm$/i, "vllm"],
  [/^sglang$/i, "sglang"],
  [/^llama\.?cpp$/i, "llama.cpp"],
  // Ollama names the library, or the user, that a model came from.
  [/^library$/i, "ollama"],
];

/** Asks an engine what it is and serves; null where its list of models cannot be read. Never throws. */
export async function identifyEngine(
  client: Pick<EngineClient, "getJson">,
): Promise<EngineIdentity | null> {
  const reply = await client.getJson("/v1/models");
  if (reply.failure !== null || reply.status !== 200 || !isJson(reply.body)) return null;
  const { data } = reply.body;
  if (!Array.isArray(data)) return null;
  const entries = data.filter(isJson);
  const owner = entries.map(({ owned_by: by }) => (typeof by === "string" ? by : "")).at(0) ?? "";
  const kind = OWNERS.find(([pattern]) => pattern.test(owner))?.[1] ?? "openai";
  return { kind, models: entries.flatMap(({ id }) => (typeof id === "string" ? [id] : [])) };
}

function isJson(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
