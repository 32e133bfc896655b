import { CHIMERA_MODEL } from "../config/resolve.ts";
import type { EngineConfig, EngineKind } from "../config/config.ts";
import type { Environment } from "../config/environment.ts";
import { EngineClient } from "../engine/client.ts";
import { identifyEngine } from "../engine/identity.ts";
import { discoverLimits } from "../engine/limits.ts";
import { engineOf } from "./engine-probe.ts";

/** Where an engine may be. */
export interface EnginePlace {
  readonly url: string;
  /** Variable of the environment with its key; null: none. */
  readonly keyVariable: string | null;
}

export interface FoundEngine extends EnginePlace {
  readonly kind: EngineKind;
  /** As it lists them. */
  readonly models: readonly string[];
  /** Sequences that it says it runs at once; null where it does not. */
  readonly sequences: number | null;
}

/** Ports on which engines listen unless they are told otherwise, and those beside them. */
export const USUAL_PORTS: readonly number[] = [
  8000, 8001, 8002, 8003, 8080, 8081, 1234, 3000, 5000, 11_434, 30_000, 30_001,
];

/** What is not there at once is not there. */
const CONNECT_MS = 1_000;

/** Asks every place at once; what answers with a list of models and is no gateway of ours is an engine. */
export async function searchEngines(
  places: readonly EnginePlace[],
  environment: Environment,
): Promise<FoundEngine[]> {
  const found = await Promise.all(places.map((place) => askEngine(place, environment)));
  return found.flatMap((each) => each ?? []);
}

async function askEngine(
  place: EnginePlace,
  environment: Environment,
): Promise<FoundEngine | null> {
  const { url, keyVariable } = place;
  const written = {
    url,
    model: "unknown",
    timeouts: { connectMs: CONNECT_MS },
    ...(keyVariable === null ? {} : { apiKey: `\${${keyVariable}}` }),
  };
  const endpoint = engineOf(written, environment);
  if (endpoint === null) return null;
  const identity = await withClient(endpoint, identifyEngine);
  const models = identity?.models ?? [];
  if (identity === null || models.length === 0 || models.includes(CHIMERA_MODEL)) return null;
  const { kind } = identity;
  const known = { ...endpoint, kind, upstreamModel: models[0] ?? "" };
  const { sequences } = await withClient(known, discoverLimits);
  return { url: endpoint.url, keyVariable, kind, models, sequences };
}

async function withClient<T>(
  endpoint: EngineConfig,
  ask: (client: EngineClient) => Promise<T>,
): Promise<T> {
  const client = new EngineClient(endpoint);
  try {
    return await ask(client);
  } finally {
    await client.destroy();
  }
}
