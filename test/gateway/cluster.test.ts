import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseConfig } from "../../src/config/load.ts";
import { replayEventLog } from "../../src/gateway/event-log-replay.ts";
import { createGateway, type Gateway } from "../../src/gateway/server.ts";
import { type Emulator, startEmulator } from "../../src/sim/emulator.ts";
import type { EmulatorOptions } from "../../src/sim/emulator-options.ts";
import { until, untilIdle } from "./bench.ts";

const SPEED = { baseMs: 8, perSequenceMs: 0.5, perKvTokenMs: 0, perPromptTokenMs: 0.05 };

const ENGINE: EmulatorOptions = {
  ...SPEED,
  name: "e",
  model: "m",
  maxModelLen: 4096,
  maxSequences: 4,
  kvTokens: 50_000,
  chunkTokens: 512,
  prefixCache: true,
  speedup: 200,
  queueRequestsMax: 100,
  order: "fcfs",
  seed: 1,
};

const NAMES = ["small-1", "small-2", "large-1"];
const WORKFLOWS = 40;
const STAGES = 3;

let folder = "";
let emulators: Map<string, Emulator>;
let gateway: Gateway;
let url = "";

async function startEngine(name: string, port = 0): Promise<Emulator> {
  const model = name.split("-")[0] ?? name;
  const emulator = await startEmulator({ ...ENGINE, name, model, port });
  emulators.set(name, emulator);
  return emulator;
}

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "chimera-cluster-"));
  emulators = new Map();
  const engines: object[] = [];
  for (const name of NAMES) {
    const emulator = await startEngine(name);
    const model = name.split("-")[0];
    engines.push({
      name,
      model,
      kind: "vllm",
      maxConcurrency: ENGINE.maxSequences,
      url: `${emulator.url}/v1`,
      kvTokens: ENGINE.kvTokens,
      speed: SPEED,
    });
  }
  const document = {
    listen: "127.0.0.1:0",
    engines,
    store: { path: join(folder, "traces.db") },
  };
  const sources = { file: "test.yaml", environment: {}, flags: {} };
  const parsed = parseConfig(JSON.stringify(document), sources);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  gateway = await createGateway({
    config: parsed.config,
    logger: pino({ level: "silent" }),
    recordEventsPath: join(folder, "events.jsonl"),
  });
  ({ url } = await gateway.listen());
  await until(() => gateway.view().engines.every((engine) => engine.state === "live"));
});

afterEach(async () => {
  await gateway.destroy();
  await Promise.all([...emulators.values()].map((emulator) => emulator.destroy()));
  await rm(folder, { recursive: true });
});

/** The stages of one workflow, one after the other; answers how each ended. */
async function playWorkflow(index: number): Promise<string[]> {
  const ends: string[] = [];
  for (let stage = 0; stage < STAGES; stage++) {
    const isLast = stage === STAGES - 1;
    const response = await fetch(`${url}/chat/completions`, {
      method: "POST",
      headers: {
        "x-chimera-workflow-id": `flow-${index}`,
        ...(isLast ? { "x-chimera-workflow-final": "true" } : {}),
      },
      body: JSON.stringify({
        model: "chimera",
        stream: index % 2 === 0,
        max_tokens: 40,
        messages: [{ role: "user", content: `Task ${index}, step ${stage}.` }],
      }),
    });
    const text = await response.text();
    const isWhole = text.includes("[DONE]") || text.includes(`"finish_reason"`);
    const isTold = text.includes(`"code":"engine_failed"`) || text.includes("engine_incomplete");
    ends.push(isTold ? "told" : isWhole ? "whole" : `lost: ${response.status} ${text}`);
  }
  return ends;
}

function play(): Promise<string[][]> {
  return Promise.all(Array.from({ length: WORKFLOWS }, (_, index) => playWorkflow(index)));
}

async function expectBooksInOrder(): Promise<void> {
  await untilIdle(gateway);
  expect(gateway.view().workflows).toBe(0);
  await gateway.close();
  const counts = gateway.storeCounts();
  expect(counts?.written).toEqual({ stages: WORKFLOWS * STAGES, workflows: WORKFLOWS });
  const replay = await replayEventLog(join(folder, "events.jsonl"));
  expect(replay).toMatchObject({ cut: false, difference: null });
}

test("workflows through an emulated cluster: all whole, all stored, replayable", async () => {
  const ends = await play();
  expect(ends.flat().filter((end) => end !== "whole")).toEqual([]);
  await expectBooksInOrder();
});

test("an engine that is killed and started again: nothing lost, nothing twice, the engine used again", async () => {
  const playing = play();
  await until(
    () => (gateway.view().engines.find((each) => each.name === "small-1")?.running ?? 0) > 0,
  );
  const victim = emulators.get("small-1");
  if (victim === undefined) throw new Error("unreachable");
  await victim.destroy();
  await until(
    () => gateway.view().engines.find((each) => each.name === "small-1")?.state === "dead",
  );
  await startEngine("small-1", victim.port);
  const ends = (await playing).flat();
  expect(ends.filter((end) => end !== "whole" && end !== "told")).toEqual([]);
  await until(() => gateway.view().engines.every((each) => each.state === "live"));
  await expectBooksInOrder();
});
