import type { EngineConfig } from "../config/config.ts";
import type { Environment } from "../config/environment.ts";
import { parseConfig } from "../config/load.ts";

/** One engine as a config with nothing else in it would have it; null where that config is refused. */
export function engineOf(
  written: Readonly<Record<string, unknown>>,
  environment: Environment = {},
): EngineConfig | null {
  const text = JSON.stringify({ engines: [written] });
  const parsed = parseConfig(text, { file: "URL", environment, flags: {} });
  return parsed.ok ? (parsed.config.engines[0] ?? null) : null;
}
