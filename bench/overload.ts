/**
 * Five times more than the engines can do: `npm run bench -- overload [SECONDS]`
 *
 * Four classes arrive at random at five times the measured capacity of two emulated engines, first at a
 * gateway with classes, a bounded queue and deadlines, then at one that serves everybody in the order
 * of arrival. Prints for each class how many were served, how many were refused and told when to come
 * back, and how long they waited; how large the heap grew; and how long after the end of the load one
 * more request was served within the interactive bound. All of it runs in this process.
 */
import { once, setMaxListeners } from "node:events";
import { Agent, type IncomingMessage, request } from "node:http";
import { setTimeout as wait } from "node:timers/promises";
import { parseConfig } from "../src/config/load.ts";
import { createRandom, type Random } from "../src/core/random.ts";
import { createGateway, type Gateway } from "../src/gateway/server.ts";
import { type Emulator, startEmulator } from "../src/sim/emulator.ts";

const SECONDS = 60;
const OVERLOAD = 5;
const SEQUENCES = 8;
const CALIBRATION_MS = 5_000;
/** The time within which an interactive request must have begun, ms. */
const INTERACTIVE_MS = 1_000;
const RECOVERY_MS_MAX = 30_000;
const SAMPLE_MS = 250;
const SPEED = { baseMs: 8, perSequenceMs: 0.3, perKvTokenMs: 0, perPromptTokenMs: 0.02 };

/** Shares of the requests. At five times the capacity the two upper classes want half of it. */
const CLASSES: readonly (readonly [name: string, share: number])[] = [
  ["system", 0.01],
  ["interactive", 0.09],
  ["default", 0.3],
  ["bulk", 0.6],
];

interface Side {
  readonly name: string;
  /** Whether requests say their class and deadline. */
  readonly classes: boolean;
  readonly more: object;
}

const SIDES: readonly Side[] = [
  {
    name: "classes, bounded queue, deadlines",
    classes: true,
    more: { limits: { queueRequestsMax: 64, queueWaitMsMax: 10_000 } },
  },
  {
    name: "FCFS without admission",
    classes: false,
    more: {
      policy: { choice: "round-robin", order: "fcfs", assign: "stage" },
      limits: { queueRequestsMax: 10_000_000, queueWaitMsMax: 3_600_000 },
    },
  },
];

interface Tally {
  asked: number;
  refused: number;
  /** Refusals that said when to come back. */
  told: number;
  /** Queue waits of the served, ms. */
  readonly waitsMs: number[];
}

interface Player {
  readonly port: number;
  readonly agent: Agent;
  readonly random: Random;
  /** Ends all that is open. */
  readonly signal: AbortSignal;
}

export async function run(print: (line: string) => void): Promise<void> {
  const seconds = Number(process.argv[3] ?? SECONDS);
  for (const side of SIDES) await measure(side, seconds * 1000, print);
}

async function measure(side: Side, loadMs: number, print: (line: string) => void): Promise<void> {
  const emulators = await Promise.all(["small-1", "small-2"].map(startEngine));
  const gateway = await startGateway(side, emulators);
  const { port } = await gateway.listen();
  await until(() => gateway.view().engines.every(({ state }) => state === "live"));
  const stop = new AbortController();
  setMaxListeners(0, stop.signal);
  const agent = new Agent({ keepAlive: true });
  const player: Player = { port, agent, random: createRandom(1), signal: stop.signal };
  const capacity = await calibrate(player);
  const memory = watchMemory();
  const tallies = new Map(CLASSES.map(([name]) => [name, newTally()]));
  const queued = await load(player, { side, tallies, loadMs, rate: OVERLOAD * capacity, gateway });
  const recoveryMs = await recover(player, side);
  stop.abort();
  const peakMb = memory.close();
  print(`${side.name}: ${(OVERLOAD * capacity).toFixed(0)} requests/s for ${loadMs / 1000} s`);
  print("| class | asked | served | refused | of them told when | wait p50, ms | p99, ms |");
  print("| ----- | ----- | ------ | ------- | ----------------- | ------------ | ------- |");
  for (const [name, tally] of tallies) print(rowOf(name, tally));
  print(`most on the books ${queued}, heap at most ${peakMb.toFixed(0)} MB`);
  const recovered = recoveryMs === null ? `not in ${RECOVERY_MS_MAX}` : recoveryMs.toFixed(0);
  print(`served within ${INTERACTIVE_MS} ms again after the load: ${recovered} ms\n`);
  agent.destroy();
  await gateway.destroy();
  await Promise.all(emulators.map((emulator) => emulator.destroy()));
}

function newTally(): Tally {
  return { asked: 0, refused: 0, told: 0, waitsMs: [] };
}

function startEngine(name: string): Promise<Emulator> {
  return startEmulator({
    ...SPEED,
    name,
    model: "small",
    maxModelLen: 16_384,
    maxSequences: SEQUENCES,
    kvTokens: 100_000,
    chunkTokens: 4096,
    prefixCache: true,
    speedup: 1,
    queueRequestsMax: 100,
    order: "fcfs",
    seed: 1,
  });
}

function startGateway({ more }: Side, emulators: readonly Emulator[]): Promise<Gateway> {
  const engines = emulators.map(({ url }, index) => ({
    name: `small-${index + 1}`,
    url,
    model: "small",
    kind: "vllm",
    maxConcurrency: SEQUENCES,
    speed: SPEED,
  }));
  const document = {
    listen: "127.0.0.1:0",
    engines,
    store: { path: null },
    log: { level: "error" },
    ...more,
  };
  const sources = { file: "overload.yaml", environment: {}, flags: {} };
  const parsed = parseConfig(JSON.stringify(document), sources);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return createGateway({ config: parsed.config });
}

/** Requests a second that the engines serve when they always have the next one. */
async function calibrate(player: Player): Promise<number> {
  const endMs = performance.now() + CALIBRATION_MS;
  let served = 0;
  const loop = async (): Promise<void> => {
    while (performance.now() < endMs) {
      await ask(player, {}, newTally());
      served++;
    }
  };
  await Promise.all(Array.from({ length: 2 * SEQUENCES }, loop));
  return (1000 * served) / CALIBRATION_MS;
}

interface Load {
  readonly side: Side;
  readonly tallies: ReadonlyMap<string, Tally>;
  readonly loadMs: number;
  /** Requests a second. */
  readonly rate: number;
  readonly gateway: Gateway;
}

/** Arrivals at random times, whatever becomes of them; answers the most that were unfinished at once. */
async function load(
  player: Player,
  { side, tallies, loadMs, rate, gateway }: Load,
): Promise<number> {
  const { random } = player;
  const beganMs = performance.now();
  let dueMs = 0;
  let most = 0;
  while (dueMs < loadMs) {
    dueMs += (-Math.log(1 - random.next()) * 1000) / rate;
    const earlyMs = beganMs + dueMs - performance.now();
    if (earlyMs > 1) {
      await wait(earlyMs);
      most = Math.max(most, gateway.view().requests);
    }
    const name = drawClass(random);
    const tally = tallies.get(name);
    if (tally !== undefined) void ask(player, side.classes ? headersOf(name) : {}, tally);
  }
  return most;
}

function drawClass(random: Random): string {
  let left = random.next();
  for (const [name, share] of CLASSES) {
    left -= share;
    if (left < 0) return name;
  }
  return "bulk";
}

function headersOf(name: string): Record<string, string> {
  const isUrgent = name === "interactive" || name === "system";
  return {
    "x-chimera-class": name,
    ...(isUrgent ? { "x-chimera-start-within-ms": `${INTERACTIVE_MS}` } : {}),
  };
}

async function ask(
  { port, agent, random, signal }: Player,
  headers: Readonly<Record<string, string>>,
  tally: Tally,
): Promise<void> {
  tally.asked++;
  const body = JSON.stringify({
    model: "chimera",
    max_tokens: 20 + Math.floor(random.next() * 40),
    messages: [{ role: "user", content: `Task ${random.next()}. ${"word ".repeat(40)}` }],
  });
  const outgoing = request({
    host: "127.0.0.1",
    port,
    agent,
    signal,
    method: "POST",
    path: "/v1/chat/completions",
    headers: { ...headers, "content-length": Buffer.byteLength(body) },
  });
  outgoing.end(body);
  try {
    const [response]: IncomingMessage[] = await once(outgoing, "response");
    if (response === undefined) return;
    for await (const _chunk of response);
    note(response, tally);
  } catch {
    // The run is over.
  }
}

function note({ statusCode, headers }: IncomingMessage, tally: Tally): void {
  if (statusCode === 200) tally.waitsMs.push(Number(headers["x-chimera-queue-wait-ms"]));
  else tally.refused++;
  if (statusCode !== 200 && Number(headers["retry-after"]) > 0) tally.told++;
}

/** Time until one more request has begun within the interactive bound, ms; null when none does. */
async function recover(player: Player, side: Side): Promise<number | null> {
  const beganMs = performance.now();
  const headers = side.classes ? { "x-chimera-class": "default" } : {};
  const limit = AbortSignal.timeout(RECOVERY_MS_MAX);
  setMaxListeners(0, limit);
  while (!limit.aborted) {
    const tally = newTally();
    await ask({ ...player, signal: limit }, headers, tally);
    const [waitMs = Number.POSITIVE_INFINITY] = tally.waitsMs;
    if (waitMs <= INTERACTIVE_MS) return performance.now() - beganMs;
  }
  return null;
}

/** Samples the used heap; answers the largest, MB. */
function watchMemory(): { close(): number } {
  let most = 0;
  const look = (): void => void (most = Math.max(most, process.memoryUsage().heapUsed / 2 ** 20));
  const timer = setInterval(look, SAMPLE_MS);
  return {
    close: () => {
      clearInterval(timer);
      return most;
    },
  };
}

function rowOf(name: string, { asked, refused, told, waitsMs }: Tally): string {
  const sorted = waitsMs.toSorted((a, b) => a - b);
  const at = (share: number): string => {
    return (
      sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]?.toFixed(0) ?? "-"
    );
  };
  const cells = [name, asked, waitsMs.length, refused, told, at(0.5), at(0.99)];
  return `| ${cells.join(" | ")} |`;
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await wait(5);
}
