import { EventEmitter, once } from "node:events";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Worker } from "node:worker_threads";
import { pino } from "pino";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { readLearned } from "../../src/cli/learned-files.ts";
import { reloadModels } from "../../src/cli/model-reload.ts";
import type { Printer } from "../../src/cli/printer.ts";
import { parseConfig } from "../../src/config/load.ts";
import { systemClock } from "../../src/engine/clock.ts";
import { createGateway, type Gateway } from "../../src/gateway/server.ts";
import { decodeModelFile, encodeModelFile } from "../../src/learn/model-file.ts";
import { ColdStart } from "../../src/predict/cold-start.ts";
import { LearnedPredictor } from "../../src/predict/learned-predictor.ts";
import type { StageFacts } from "../../src/predict/port.ts";
import type { Emulator } from "../../src/sim/emulator.ts";
import { makeLearnedFiles } from "../predict/learned-made.ts";
import { until, untilIdle } from "./bench.ts";
import { startEmulatedEngines } from "./emulated-engines.ts";

const PRIORS = { small: 0.4, large: 0.6, other: 0.3 };
const TEXT_CHARACTERS_MAX = 2_000;
const REQUESTS = 200;
const AT_ONCE = 4;
const SWAPS = 5;

/** Two models by seed, as files that were trained apart. */
const [first, second] = [makeLearnedFiles(1), makeLearnedFiles(2)];

let folder = "";
let paths: { lengthModel: string; routerModel: string };
let emulators: Emulator[];
let said: string[];
const heard = new EventEmitter();
let printer: Printer;
let base: ColdStart;
let predictor: LearnedPredictor;
let seen: StageFacts[];
let workers: Worker[];
let reload: { close(): void };
let gateway: Gateway;
let url = "";
const noteWorker = (worker: Worker): void => void workers.push(worker);

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "chimera-learned-"));
  paths = { lengthModel: join(folder, "length.model"), routerModel: join(folder, "router.model") };
  await writeFile(paths.lengthModel, first.length);
  await writeFile(paths.routerModel, first.router);
  said = [];
  const say = (line: string): void => {
    said.push(line);
    heard.emit("line");
  };
  printer = { out: say, say, progress: () => undefined };
  workers = [];
  process.on("worker", noteWorker);
  const learned = await readLearned(paths, PRIORS, printer);
  if (learned === null) throw new Error(said.join());
  base = new ColdStart({ confidence: PRIORS });
  const onProblem = (message: string): void => void said.push(message);
  predictor = new LearnedPredictor({ files: learned.files, base, clock: systemClock, onProblem });
  reload = await reloadModels({ paths, priors: PRIORS, predictor, printer });
  await predictor.ready();
  seen = [];
  await startGateway(base);
});

afterEach(async () => {
  process.off("worker", noteWorker);
  reload.close();
  await untilIdle(gateway);
  await gateway.destroy();
  await Promise.all(emulators.map((emulator) => emulator.destroy()));
  await rm(folder, { recursive: true });
});

async function startGateway(estimator: ColdStart): Promise<void> {
  const started = await startEmulatedEngines(Object.keys(PRIORS));
  emulators = started.emulators;
  const { engines } = started;
  const document = {
    listen: "127.0.0.1:0",
    engines,
    store: { path: null },
    prediction: { budgetMs: 20_000 },
    limits: { textCharactersMax: TEXT_CHARACTERS_MAX },
  };
  const sources = { file: "test.yaml", environment: {}, flags: {} };
  const parsed = parseConfig(JSON.stringify(document), sources);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  gateway = await createGateway({
    config: parsed.config,
    logger: pino({ level: "silent" }),
    estimator,
    predictor: {
      name: predictor.name,
      predict: (facts, models, deadlineMs) => {
        seen.push(facts);
        return predictor.predict(facts, models, deadlineMs);
      },
      close: () => predictor.close(),
    },
    predictorCounts: () => predictor.counts(),
  });
  ({ url } = await gateway.listen());
  await until(() => gateway.view().engines.every((engine) => engine.state === "live"));
}

interface Answer {
  readonly status: number;
  readonly prediction: string | null;
  readonly isWhole: boolean;
}

async function ask(content: string, model = "chimera"): Promise<Answer> {
  const response = await fetch(`${url}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model,
      stream: true,
      max_tokens: 8,
      messages: [{ role: "user", content }],
    }),
  });
  const text = await response.text();
  const prediction = response.headers.get("x-chimera-prediction");
  return { status: response.status, prediction, isWhole: text.trim().endsWith("data: [DONE]") };
}

/** As programs replace a file: under another name first. */
async function replace(path: string, bytes: Uint8Array): Promise<void> {
  await writeFile(`${path}.new`, bytes);
  await rename(`${path}.new`, path);
}

/** Resolves when so many lines were said. */
async function untilSaid(count: number): Promise<void> {
  while (said.length < count) await once(heard, "line");
}

async function metrics(): Promise<string> {
  const response = await fetch(new URL("/metrics", url));
  return response.text();
}

const SERVED: Answer = { status: 200, prediction: "ready", isWhole: true };

describe("model files replaced under load", () => {
  test("no request is lost, and each is predicted", { timeout: 60_000 }, async () => {
    let asked = 0;
    const swaps = { areOver: false };
    const answers: Answer[] = [];
    const client = async (): Promise<void> => {
      while (asked < REQUESTS || !swaps.areOver) answers.push(await ask(`add ${asked++} and 2`));
    };
    const clients = Promise.all(Array.from({ length: AT_ONCE }, client));
    for (let swap = 1; swap <= SWAPS; swap++) {
      await replace(paths.lengthModel, (swap % 2 === 0 ? first : second).length);
      await untilSaid(swap);
    }
    swaps.areOver = true;
    await clients;
    expect(answers.length).toBeGreaterThanOrEqual(REQUESTS);
    expect(answers).toEqual(answers.map(() => SERVED));
    const rest = { refused: 0, failed: 0, late: 0, restarts: 0, swaps: SWAPS, swapsRefused: 0 };
    expect(predictor.counts()).toEqual({ predicted: answers.length, ...rest });
    expect(said).toEqual(Array(SWAPS).fill("model files taken in"));
  });
});

describe("a model file that cannot be used", () => {
  const damaged = first.length.slice();
  damaged.set([255, 0, 255, 0], damaged.length - 9);

  test.each([
    ["damaged", damaged, "length model: the checksum does not match"],
    ["cut short", first.length.slice(0, 1000), "length model: the file has 1000 bytes instead"],
    ["of another kind", first.router, "the file holds a model of router, not of length"],
    ["trained on other features", onOtherFeatures(), "the model was trained on other features"],
  ])("%s, is refused while serving, and the old model stays", async (_name, bytes, reason) => {
    await replace(paths.lengthModel, bytes);
    await untilSaid(1);
    expect(await ask("add 1 and 2")).toEqual(SERVED);
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch("model files refused, the models in use stay: ");
    expect(said[0]).toContain(reason);
    expect(await metrics()).toContain('chimera_predictor_swaps_total{result="refused"} 1');
    process.emit("SIGHUP");
    await untilSaid(2);
    expect(said[1]).toBe(said[0]);
  });

  test("is refused at the start with its reason", async () => {
    await writeFile(join(folder, "bad.model"), damaged);
    const lengthModel = join(folder, "bad.model");
    expect(await readLearned({ lengthModel }, PRIORS, printer)).toBeNull();
    expect(said).toEqual(["length model: the checksum does not match"]);
  });

  test("is absent: said, and the old model stays", async () => {
    await rm(paths.lengthModel);
    await untilSaid(1);
    expect(said[0]).toMatch("model files cannot be read, the models in use stay");
    expect(await ask("add 1 and 2")).toEqual(SERVED);
  });
});

function onOtherFeatures(): Uint8Array {
  const file = decodeModelFile(first.length);
  if (!file.ok) throw new Error(file.fault.message);
  const [feature, ...features] = file.value.features;
  if (feature === undefined) throw new Error("a model has features");
  return encodeModelFile({
    ...file.value,
    features: [{ ...feature, name: "of another time" }, ...features],
  });
}

describe("trouble while predicting", () => {
  test("a killed thread is replaced; requests go on by the estimator meanwhile", async () => {
    await workers[0]?.terminate();
    const answer = await ask("add 1 and 2");
    expect(answer).toMatchObject({ status: 200, isWhole: true });
    expect(answer.prediction).toMatch(/^(ready|failed)$/);
    expect(await predictor.ready()).toBe(true);
    expect(await ask("add 1 and 2")).toEqual(SERVED);
    expect(predictor.counts().restarts).toBe(1);
    const text = await metrics();
    expect(text).toContain("chimera_predictor_restarts_total 1");
    expect(text).toMatch(/chimera_predictor_requests_total\{fate="predicted"\} [12]/);
  });

  test("a prompt of 1 MB is served; models are given its beginning only", async () => {
    expect(await ask("very hard ".repeat(100_000))).toEqual(SERVED);
    expect(seen[0]?.text?.user).toHaveLength(TEXT_CHARACTERS_MAX);
    expect(seen[0]?.promptTokens).toBeGreaterThan(100_000);
  });

  test("a model without outcomes keeps its prior and says so", async () => {
    expect(await ask("add 1 and 2")).toEqual(SERVED);
    const [facts] = seen;
    if (facts === undefined) throw new Error("nothing was predicted");
    const models = ["small", "other"];
    const [known, other] = (await predictor.predict(facts, models, Infinity)) ?? [];
    expect(known?.source).toMatch(/^forest router\(n=\d+\)/);
    expect(other?.confidence).toBe(0.3);
    expect(other?.source).toBe(`forest ${base.estimate(facts, ["other"])[0]?.source}`);
  });
});
