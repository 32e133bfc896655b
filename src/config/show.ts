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
  const { hash, api } = config.admin;
  const admin = { hash: hash && MASK, api: api && { ...api, hash: MASK } };
  return { ...config, engines, keys, admin };
}
