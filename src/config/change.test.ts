import { expect, test } from "vitest";
import { configChange } from "./change.ts";
import type { Config } from "./config.ts";
import { parseConfig } from "./load.ts";

const ENGINES = [
  { url: "http://127.0.0.1:8001/v1", model: "small" },
  { url: "http://127.0.0.1:8002/v1", model: "large" },
];

function configOf(more: object = {}): Config {
  const parsed = parseConfig(JSON.stringify({ engines: ENGINES, ...more }), {
    file: "test.yaml",
    environment: {},
    flags: {},
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

test("the same config changes nothing", () => {
  const { changed, kept, config } = configChange(configOf(), configOf());
  expect({ changed, kept }).toEqual({ changed: [], kept: [] });
  expect(config).toEqual(configOf());
});

test("engines, keys, models, prices and limits change; sockets, files and orders stay and are named", () => {
  const running = configOf();
  const next = configOf({
    listen: 9000,
    engines: [ENGINES[0], { ...ENGINES[1], maxConcurrency: 3 }, { ...ENGINES[1], name: "third" }],
    models: [{ name: "fast", candidates: ["small"] }],
    policy: { price: 0.4, order: "fcfs" },
    prediction: { budgetMs: 5, threads: 3 },
    limits: { attemptsMax: 1, workflowsMax: 7 },
    store: { path: "elsewhere.db" },
    log: { level: "debug" },
    seed: 5,
  });
  const { changed, kept, config } = configChange(running, next);
  expect(changed).toEqual([
    "engines.large",
    "engines.third",
    "models",
    "policy.price",
    "prediction.budgetMs",
    "limits.attemptsMax",
    "log.level",
  ]);
  expect(kept).toEqual([
    "seed",
    "listen.port",
    "policy.order",
    "prediction.threads",
    "limits.workflowsMax",
    "store.path",
  ]);
  expect(config).toEqual({
    ...next,
    seed: running.seed,
    listen: running.listen,
    policy: { ...running.policy, price: 0.4 },
    prediction: { ...running.prediction, budgetMs: 5 },
    limits: { ...running.limits, attemptsMax: 1 },
    store: running.store,
  });
  expect(Object.isFrozen(config.policy)).toBe(true);
});

test("a policy whose choice needs a restart stays as a whole", () => {
  const running = configOf({ policy: { price: 0.1 } });
  const { kept, config } = configChange(running, configOf({ policy: { choice: "paper" } }));
  expect(config.policy).toEqual(running.policy);
  expect(kept).toContain("policy.choice");
  expect(kept).toContain("policy.slack");
});
