import type { Config } from "./config.ts";

export const MASK = "********";

/** A config for people's eyes: keys and header values are masked. */
export function showConfig(config: Config): Config {
  const engines = config.engines.map((engine) => ({
    ...engine,
    apiKey: engine.apiKey === null ? null : MASK,
    headers: Object.fromEntries(Object.keys(engine.headers).map((name) => [name, MASK])),
  }));
  return { ...config, engines };
}
