import type { Config } from "./config.ts";

export const MASK = "********";

/** A config for people's eyes: keys, their hashes and header values are masked. */
export function showConfig(config: Config): Config {
  const engines = config.engines.map((engine) => ({
    ...engine,
    apiKey: engine.apiKey === null ? null : MASK,
    headers: Object.fromEntries(Object.keys(engine.headers).map((name) => [name, MASK])),
  }));
  const keys = config.keys.map((key) => ({ ...key, hash: MASK }));
  const admin = { hash: config.admin.hash === null ? null : MASK };
  return { ...config, engines, keys, admin };
}
