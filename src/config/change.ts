import { isDeepStrictEqual } from "node:util";
import type { Config } from "./config.ts";

/** What a running gateway makes of another config. */
export interface ConfigChange {
  /** The other one, with the running value of every key that only a start can set. Frozen. */
  readonly config: Config;
  /** Paths whose new values are in force, such as `policy.price` or `engines.large`. */
  readonly changed: readonly string[];
  /** Paths whose new values wait for a restart. */
  readonly kept: readonly string[];
}

type Section = "listen" | "admin" | "policy" | "prediction" | "limits" | "store" | "log";

/** Keys that are read once: sockets, files, tables of a fixed size, and what a queue's order rests on. */
const STARTED: Readonly<Record<Section, ReadonlySet<string> | "all">> = {
  listen: "all",
  admin: new Set(["api"]),
  policy: new Set(["file", "choice", "order", "own", "starvationThreshold"]),
  prediction: new Set([
    "lengthModel",
    "routerModel",
    "threads",
    "batchSizeMax",
    "batchWaitMsMax",
    "requestsPendingMax",
    "batchMsMax",
    "startMsMax",
    "restartsMax",
    "restartWindowMs",
  ]),
  limits: new Set([
    "headerBytesMax",
    "headersMsMax",
    "bodyMsMax",
    "workflowsMax",
    "workflowIdleMsMax",
  ]),
  store: "all",
  log: new Set(),
};

/** Compares a config with the one in force. Neither is changed. */
export function configChange(running: Config, next: Config): ConfigChange {
  const changed: string[] = [...changedEngines(running, next)];
  const kept: string[] = [];
  for (const key of ["keys", "models"] as const) {
    if (!isDeepStrictEqual(running[key], next[key])) changed.push(key);
  }
  if (running.seed !== next.seed) kept.push("seed");
  const section = <Key extends Section>(key: Key): Config[Key] => {
    const merged = { ...next[key] };
    for (const field of new Set([...Object.keys(running[key]), ...Object.keys(merged)])) {
      const before: unknown = Reflect.get(running[key], field);
      if (isDeepStrictEqual(before, Reflect.get(merged, field))) continue;
      const stays = keepsAll(running, next, key) || isStarted(key, field);
      (stays ? kept : changed).push(`${key}.${field}`);
      if (stays) Reflect.set(merged, field, before);
    }
    Object.freeze(merged);
    return merged;
  };
  const config: Config = Object.freeze({
    ...next,
    seed: running.seed,
    listen: section("listen"),
    admin: section("admin"),
    policy: section("policy"),
    prediction: section("prediction"),
    limits: section("limits"),
    store: section("store"),
    log: section("log"),
  });
  return { config, changed, kept };
}

function isStarted(section: Section, field: string): boolean {
  const started = STARTED[section];
  return started === "all" || started.has(field);
}

/** Another choice brings other defaults along: half of them would be a policy that nobody wrote. */
function keepsAll(running: Config, next: Config, section: Section): boolean {
  if (section !== "policy") return false;
  const [before, after] = [running.policy, next.policy];
  return before.choice !== after.choice || before.file !== after.file;
}

function changedEngines(running: Config, next: Config): string[] {
  const before = new Map(running.engines.map((engine) => [engine.name, engine]));
  const after = new Map(next.engines.map((engine) => [engine.name, engine]));
  return [...new Set([...before.keys(), ...after.keys()])]
    .filter((name) => !isDeepStrictEqual(before.get(name), after.get(name)))
    .map((name) => `engines.${name}`);
}
