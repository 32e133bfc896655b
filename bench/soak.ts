/**
 * Does the gateway keep its size? `npm run bench -- soak [WORKFLOWS]`
 *
 * Plays workflows of one to four stages through a live gateway (policy auto, trace store and metrics
 * on) over two emulated engines at a high speed-up, all in this process, and prints the heap after a
 * full collection on the way. One workflow in twenty is never declared finished, one client in fifty
 * leaves early. At the end: the heap against that after the first tenth, the books, and the rows.
 */
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { Agent, type IncomingMessage, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { parseConfig } from "../src/config/load.ts";
import type { Config } from "../src/config/config.ts";
import { createRandom, type Random } from "../src/core/random.ts";
import { createGateway, type Gateway } from "../src/gateway/server.ts";
import { type Emulator, startEmulator } from "../src/sim/emulator.ts";

const WORKFLOWS = 100_000;
const TOGETHER = 64;
const STAGES_MAX = 4;
const UNFINISHED_SHARE = 0.05;
const LEAVING_SHARE = 0.02;
/** The heap at the end over that after the first tenth. */
const GROWTH_MAX = 1.1;
const IDLE_MS = 1_000;
const SPEED = { baseMs: 8, perSequenceMs: 0.3, perKvTokenMs: 0, perPromptTokenMs: 0.02 };

interface Tally {
  asked: number;
  answered: number;
  left: number;
  other: number;
}

export async function run(print: (line: string) => void): Promise<void> {
  const workflows = Number(process.argv[3] ?? WORKFLOWS);
  const folder = await mkdtemp(join(tmpdir(), "chimera-soak-"));
  const emulators = [await startEngine("small"), await startEngine("large")];
  const gateway = await createGateway({ config: configOf(folder, emulators) });
  const { port } = await gateway.listen();
  await until(() => gateway.view().engines.every((engine) => engine.state === "live"));
  const tally: Tally = { asked: 0, answered: 0, left: 0, other: 0 };
  const heapsMb: number[] = [];
  const random = createRandom(1);
  const agent = new Agent({ keepAlive: true });
  for (let tenth = 1; tenth <= 10; tenth++) {
    let left = Math.floor(workflows / 10);
    const loop = async (): Promise<void> => {
      while (left-- > 0) await playWorkflow({ port, agent, random, tally });
    };
    await Promise.all(Array.from({ length: TOGETHER }, loop));
    await untilIdle(gateway);
    heapsMb.push(heapMb());
    print(`${tenth * 10} %: heap ${heapsMb.at(-1)?.toFixed(1)} MB, ${JSON.stringify(tally)}`);
  }
  agent.destroy();
  await gateway.close();
  const growth = (heapsMb.at(-1) ?? 0) / (heapsMb[0] ?? 1);
  const counts = gateway.storeCounts();
  print(
    `heap ${growth.toFixed(3)} x: ${growth <= GROWTH_MAX ? "flat" : "GREW"} (at most ${GROWTH_MAX})`,
  );
  print(`rows: ${JSON.stringify(counts?.written)}, dropped: ${JSON.stringify(counts?.dropped)}`);
  await Promise.all(emulators.map((emulator) => emulator.destroy()));
  await rm(folder, { recursive: true });
}

function startEngine(model: string): Promise<Emulator> {
  return startEmulator({
    ...SPEED,
    name: `${model}-1`,
    model,
    maxModelLen: 16_384,
    maxSequences: 32,
    kvTokens: 50_000,
    chunkTokens: 4096,
    prefixCache: true,
    speedup: 1000,
    queueRequestsMax: 1000,
    order: "fcfs",
    seed: 1,
  });
}

function configOf(folder: string, emulators: readonly Emulator[]): Config {
  const engines = emulators.map(({ url }, index) => ({
    url,
    model: index === 0 ? "small" : "large",
    kind: "vllm",
    maxConcurrency: 32,
    confidence: index === 0 ? 0.5 : 0.8,
    speed: SPEED,
  }));
  const document = {
    listen: "127.0.0.1:0",
    engines,
    limits: { workflowIdleMsMax: IDLE_MS },
    store: { path: join(folder, "traces.db") },
    log: { level: "error" },
  };
  const sources = { file: "soak.yaml", environment: {}, flags: {} };
  const parsed = parseConfig(JSON.stringify(document), sources);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

interface Player {
  readonly port: number;
  readonly agent: Agent;
  readonly random: Random;
  readonly tally: Tally;
}

async function playWorkflow(player: Player): Promise<void> {
  const { random, tally } = player;
  const name = `flow-${tally.asked}-${random.next()}`;
  const stages = 1 + Math.floor(random.next() * STAGES_MAX);
  const isFinished = random.next() >= UNFINISHED_SHARE;
  for (let stage = 1; stage <= stages; stage++) {
    await playStage(player, {
      "x-chimera-workflow-id": name,
      ...(isFinished && stage === stages ? { "x-chimera-workflow-final": "true" } : {}),
    });
  }
}

async function playStage(
  { port, agent, random, tally }: Player,
  headers: Readonly<Record<string, string>>,
): Promise<void> {
  tally.asked++;
  const body = JSON.stringify({
    model: "chimera",
    stream: random.next() < 0.5,
    max_tokens: 1 + Math.floor(random.next() * 16),
    messages: [{ role: "user", content: `Task ${tally.asked}. ${"word ".repeat(40)}` }],
  });
  const outgoing = request({
    host: "127.0.0.1",
    port,
    agent,
    method: "POST",
    path: "/v1/chat/completions",
    headers: { ...headers, "content-length": body.length },
  });
  if (random.next() < LEAVING_SHARE) setTimeout(() => outgoing.destroy(), 3);
  outgoing.end(body);
  tally[await endOf(outgoing)]++;
}

async function endOf(outgoing: ReturnType<typeof request>): Promise<"answered" | "left" | "other"> {
  try {
    const [response]: IncomingMessage[] = await once(outgoing, "response");
    if (response === undefined) return "other";
    let text = "";
    for await (const chunk of response) text += String(chunk);
    return /\[DONE\]\n\n$|"finish_reason":"/.test(text) ? "answered" : "other";
  } catch {
    return "left";
  }
}

/** No request is on the books, and workflows that nobody finished have idled out. */
async function untilIdle(gateway: Gateway): Promise<void> {
  await until(() => gateway.view().requests === 0);
  await wait(2 * IDLE_MS);
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await wait(5);
}

/** Used heap after a full collection. */
function heapMb(): number {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  collect();
  return process.memoryUsage().heapUsed / 2 ** 20;
}
