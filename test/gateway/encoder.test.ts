import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { readLearned } from "../../src/cli/learned-files.ts";
import { parseConfig } from "../../src/config/load.ts";
import { systemClock } from "../../src/engine/clock.ts";
import { createGateway, type Gateway } from "../../src/gateway/server.ts";
import { ColdStart } from "../../src/predict/cold-start.ts";
import { LearnedPredictor } from "../../src/predict/learned-predictor.ts";
import type { Emulator } from "../../src/sim/emulator.ts";
import { until, untilIdle } from "./bench.ts";
import { startEmulatedEngines } from "./emulated-engines.ts";

/** Random weights, made by `training/`; or the folder that the environment names, such as a trained one. */
const FIXTURE =
  process.env["CHIMERA_ENCODER"] ?? fileURLToPath(new URL("../fixtures/encoder", import.meta.url));
/** Two models that the encoder knows, and one that it does not. */
const { labels: LABELS }: Manifest = JSON.parse(await fixture("chimera.json"));
const KNOWN = LABELS.slice(0, 2).map(({ model }) => model);
const PRIORS = { ...Object.fromEntries(KNOWN.map((model) => [model, 0.4])), other: 0.3 };

interface Manifest {
  readonly labels: readonly {
    readonly model: string;
    readonly calibration: { readonly slope: number; readonly intercept: number };
  }[];
}

interface Checks {
  readonly cases: readonly { readonly text: string; readonly logits: readonly number[] }[];
}

let emulators: Emulator[];
let said: string[];
let gateway: Gateway;
let predictor: LearnedPredictor;
let url = "";

beforeEach(async () => {
  said = [];
  const say = (line: string): void => void said.push(line);
  const printer = { out: say, say, progress: () => undefined };
  const learned = await readLearned({ routerModel: FIXTURE }, PRIORS, printer);
  if (learned === null) throw new Error(said.join());
  const base = new ColdStart({ confidence: PRIORS });
  const files = learned.files;
  predictor = new LearnedPredictor({ files, base, clock: systemClock, onProblem: say });
  await predictor.ready();
  const started = await startEmulatedEngines(Object.keys(PRIORS));
  emulators = started.emulators;
  const { engines } = started;
  const document = {
    listen: "127.0.0.1:0",
    engines,
    store: { path: null },
    prediction: { budgetMs: 20_000 },
  };
  const parsed = parseConfig(JSON.stringify(document), {
    file: "test.yaml",
    environment: {},
    flags: {},
  });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const logger = pino({ level: "silent" });
  gateway = await createGateway({ config: parsed.config, logger, estimator: base, predictor });
  ({ url } = await gateway.listen());
  await until(() => gateway.view().engines.every((engine) => engine.state === "live"));
});

afterEach(async () => {
  await untilIdle(gateway);
  await gateway.destroy();
  await Promise.all(emulators.map((emulator) => emulator.destroy()));
});

function fixture(file: string): Promise<string> {
  return readFile(join(FIXTURE, file), "utf8");
}

/** What the training says of a model on a text: its logit, calibrated. */
async function expected(model: string): Promise<{ text: string; confidence: number }> {
  const { cases }: Checks = JSON.parse(await fixture("checks.json"));
  const place = LABELS.findIndex((label) => label.model === model);
  const calibration = LABELS[place]?.calibration;
  const logit = cases[0]?.logits[place];
  if (calibration === undefined || logit === undefined) throw new Error("the fixture is whole");
  const odds = calibration.slope * logit + calibration.intercept;
  return { text: cases[0]?.text ?? "", confidence: 1 / (1 + Math.exp(-odds)) };
}

async function ask(model: string, content: string): Promise<Headers> {
  const response = await fetch(`${url}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model, max_tokens: 8, messages: [{ role: "user", content }] }),
  });
  await response.text();
  expect(response.status).toBe(200);
  return response.headers;
}

test("an encoder's confidence is that of the training, and a model without a label keeps its prior", async () => {
  for (const model of KNOWN) {
    const { text, confidence } = await expected(model);
    const headers = await ask(model, text);
    expect(headers.get("x-chimera-prediction")).toBe("ready");
    expect(headers.get("x-chimera-confidence")).toBe(confidence.toFixed(3));
    expect(headers.get("x-chimera-estimate-source")).toMatch(/ router-encoder\(n=\d+\)$/);
  }
  const headers = await ask("other", "Add two numbers.");
  expect(headers.get("x-chimera-prediction")).toBe("ready");
  expect(headers.get("x-chimera-confidence")).toBe(PRIORS.other.toFixed(3));
  expect(headers.get("x-chimera-estimate-source")).not.toContain("router-encoder");
  expect(said).toEqual([]);
});
