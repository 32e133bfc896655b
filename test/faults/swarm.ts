import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as wait } from "node:timers/promises";
import { pino } from "pino";
import { parseConfig } from "../../src/config/load.ts";
import type { StageRecord } from "../../src/core/command.ts";
import { createRandom, type Random } from "../../src/core/random.ts";
import type { Outcome } from "../../src/core/types.ts";
import type { EventLogStep } from "../../src/gateway/event-log.ts";
import { replayEventLog } from "../../src/gateway/event-log-replay.ts";
import { createGateway, type Gateway } from "../../src/gateway/server.ts";
import { FAULT_KINDS } from "../../src/sim/emulator-faults.ts";
import { type Emulator, startEmulator } from "../../src/sim/emulator.ts";
import { drawnFaults, pick } from "./fault.ts";
import { FaultProxy } from "./fault-proxy.ts";
import { HurriedClock } from "./hurried-clock.ts";
import {
  type ClientEnd,
  type ClientResult,
  drawRequest,
  play,
  type SwarmRequest,
} from "./swarm-client.ts";

/** One run of the swarm: what was drawn, what was seen, and every claim that did not hold. */
export interface SwarmReport {
  readonly seed: number;
  readonly requests: number;
  readonly ends: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
  /** Empty when all is well. */
  readonly violations: readonly string[];
}

/** Gateway time runs this many times as fast as the clock on the wall. */
const HURRY = 20;
/** More than a request may take: three times 60 s in the queue and 8 s at an engine, in hurried time. */
const SETTLE_MS = 20_000;
const SPEED = { baseMs: 8, perSequenceMs: 0.5, perKvTokenMs: 0, perPromptTokenMs: 0.001 };

/** What a run is drawn from, once, at its beginning. */
interface Setting {
  readonly engines: readonly string[];
  readonly faultRate: number;
  readonly engineFaultRate: number;
  readonly leaving: number;
  readonly requests: number;
  /** The gateway is stopped in the middle: drained, or ended at once. */
  readonly stop: "no" | "drain" | "destroy";
  readonly limits: Readonly<Record<string, number>>;
  readonly maxConcurrency: number;
  readonly downs: number;
  /** A thread of its own, which takes long to start. */
  readonly hasStore: boolean;
}

function drawSetting(random: Random): Setting {
  const below = (bound: number): number => Math.floor(random.next() * bound);
  return {
    engines: pick(
      [
        ["small-1", "large-1"],
        ["small-1", "small-2", "large-1"],
      ],
      random,
    ),
    faultRate: pick([0, 0.1, 0.3, 0.7], random),
    engineFaultRate: pick([0, 0, 0.2], random),
    leaving: pick([0, 0.2, 0.6], random),
    requests: 10 + below(50),
    stop: pick(["no", "no", "no", "no", "drain", "destroy"], random),
    limits: {
      attemptsMax: 1 + below(3),
      queueRequestsMax: pick([4, 10_000], random),
      queueWaitMsMax: pick([500, 60_000], random),
      statusHoldMs: pick([0, 200, 2_000], random),
      pingAfterMs: pick([100, 10_000], random),
      drainMsMax: pick([0, 1_000], random),
    },
    maxConcurrency: pick([1, 4, 16], random),
    downs: pick([0, 0, 1, 2], random),
    hasStore: random.next() < 0.4,
  };
}

/** Everything of one run that has a lifetime. */
class World {
  readonly random: Random;
  readonly setting: Setting;
  readonly clock = new HurriedClock(HURRY);
  readonly agent: Agent = new Agent({ keepAlive: true });
  readonly emulators: Emulator[] = [];
  readonly proxies: FaultProxy[] = [];
  readonly violations: string[] = [];
  folder = "";

  constructor(seed: number) {
    this.random = createRandom(seed);
    this.setting = drawSetting(this.random);
  }

  get eventsPath(): string {
    return join(this.folder, "events.jsonl");
  }

  async build(): Promise<Gateway> {
    this.folder = await mkdtemp(join(tmpdir(), "chimera-swarm-"));
    const engines: object[] = [];
    for (const name of this.setting.engines) engines.push(await this.#startEngine(name));
    const document = {
      listen: "127.0.0.1:0",
      engines,
      limits: this.setting.limits,
      store: { path: this.setting.hasStore ? join(this.folder, "traces.db") : null },
    };
    const sources = { file: "swarm.yaml", environment: {}, flags: {} };
    const parsed = parseConfig(JSON.stringify(document), sources);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
    return createGateway({
      config: parsed.config,
      logger: pino({ level: "silent" }),
      clock: this.clock,
      recordEventsPath: this.eventsPath,
    });
  }

  async #startEngine(name: string): Promise<object> {
    const { maxConcurrency, engineFaultRate } = this.setting;
    const model = name.split("-")[0] ?? name;
    const kind = pick(FAULT_KINDS, this.random);
    const emulator = await startEmulator({
      ...SPEED,
      name,
      model,
      maxModelLen: 32_768,
      maxSequences: maxConcurrency,
      kvTokens: 200_000,
      chunkTokens: 32_768,
      prefixCache: true,
      speedup: 100,
      queueRequestsMax: 8,
      order: "fcfs",
      seed: 1,
      faults: { kind, rate: engineFaultRate, afterTokens: 3, delayMs: 1_000 },
    });
    const proxy = await FaultProxy.start(emulator.port);
    this.emulators.push(emulator);
    this.proxies.push(proxy);
    return {
      name,
      model,
      kind: "vllm",
      maxConcurrency,
      url: `http://127.0.0.1:${proxy.port}/v1`,
      speed: SPEED,
      timeouts: { connectMs: 200, headersMs: 3_000, idleMs: 2_000, totalMs: 8_000 },
    };
  }

  async tearDown(): Promise<void> {
    this.agent.destroy();
    for (const proxy of this.proxies) await proxy.refuse();
    await Promise.all(this.emulators.map((emulator) => emulator.destroy()));
    await rm(this.folder, { recursive: true });
  }

  /** Waits for a claim to hold; one that never does is a violation. */
  async expect(claim: string, holds: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = performance.now() + SETTLE_MS;
    while (!(await holds())) {
      if (performance.now() > deadline) {
        this.violations.push(claim);
        return;
      }
      await wait(1);
    }
  }
}

/** Runs a gateway before emulated engines behind fault proxies, all drawn from the seed. Never rejects on a claim that fails. */
export async function runSwarm(seed: number): Promise<SwarmReport> {
  const resourcesBefore = resources();
  const world = new World(seed);
  const { setting, random, violations } = world;
  const gateway = await world.build();
  const { url } = await gateway.listen();
  await world.expect("every engine is live at the start", () => areLive(gateway));
  for (const proxy of world.proxies) proxy.plan = drawnFaults(random, setting.faultRate);
  const asked = Array.from({ length: setting.requests }, (_, index) =>
    drawRequest(`swarm-${index}`, random, setting),
  );
  const results = await playAll(world, gateway, url, asked);
  await Promise.all(world.proxies.map((proxy) => proxy.heal()));
  await expectBooksClosed(world, gateway);
  if (setting.stop === "no") await expectRecovery(world, gateway, url);
  await gateway.close();
  await checkRecords(world, gateway, asked, results);
  await world.tearDown();
  await world.expect("no timer of the gateway is left", () => world.clock.timers === 0);
  await world.expect("no resource is left", () => newResources(resourcesBefore) === "");
  const left = newResources(resourcesBefore);
  if (left !== "") violations.push(`left behind: ${left}`);
  return {
    seed,
    requests: asked.length,
    ends: countOf(results.map((result) => result.end)),
    faults: countFaults(world.proxies),
    violations,
  };
}

async function playAll(
  world: World,
  gateway: Gateway,
  url: string,
  asked: readonly SwarmRequest[],
): Promise<ClientResult[]> {
  const { setting, random, violations, agent } = world;
  const results: (ClientResult | null)[] = asked.map(() => null);
  let stopped: Promise<void> | null = null;
  const stopAtMs = 60 + Math.floor(random.next() * 120);
  const stop = async (): Promise<void> => {
    if (setting.stop === "no") return;
    await wait(stopAtMs);
    stopped = setting.stop === "drain" ? gateway.close() : gateway.destroy();
    await stopped;
  };
  const others = [stop(), ...breakConnections(world)];
  const playing = asked.map(async (each, index) => {
    await wait(each.atMs);
    const result = await play(each, url, agent);
    results[index] = result;
    const isFault = result.end === "broken" || (result.end === "unreached" && stopped === null);
    if (isFault) violations.push(`${each.id} (${each.manner.kind}) ${result.end}: ${result.seen}`);
  });
  const all = Promise.all([...playing, ...others]).then(() => true);
  let isOver = false;
  void all.then(() => (isOver = true));
  await world.expect("every request has an outcome", () => isOver);
  return results.map((result) => result ?? { end: "broken", seen: "" });
}

/** Engines whose port is closed for a time. */
function breakConnections({ setting, random, proxies }: World): Promise<void>[] {
  return Array.from({ length: setting.downs }, async () => {
    const proxy = pick(proxies, random);
    const atMs = Math.floor(random.next() * 100);
    const lengthMs = Math.floor(random.next() * 100);
    await wait(atMs);
    await proxy.refuse();
    await wait(lengthMs);
    await proxy.accept();
  });
}

async function expectBooksClosed(world: World, gateway: Gateway): Promise<void> {
  await world.expect("no request and no token is on the books", () => {
    const { requests, stranded, queuedByClass, engines } = gateway.view();
    const queued = Object.values(queuedByClass).reduce((sum, count) => sum + count, 0);
    const onEngines = engines.every(
      ({ waiting, running, inFlightTokens, queuedTokens, heldTokens }) =>
        waiting + running + inFlightTokens + queuedTokens + heldTokens === 0,
    );
    return requests + stranded + queued === 0 && onEngines;
  });
  for (const emulator of world.emulators) {
    await textOf(`${emulator.url}/emulator/faults`, '{"rate":0}');
    await world.expect("the engine works for nobody who left", async () => {
      const page = await textOf(`${emulator.url}/metrics`);
      return /num_requests_running\{[^}]*\} 0(\.0)?$/m.test(page);
    });
  }
}

/** Asks an engine itself. Not with `fetch`, which remembers every address for ever. */
async function textOf(url: string, body?: string): Promise<string> {
  const asked = request(url, { agent: false, method: body === undefined ? "GET" : "POST" });
  asked.end(body);
  const [response] = await once(asked, "response");
  return text(response);
}

/** Once faults stop, every engine serves again; the pause that its last failures earned it may outlast a short queue limit. */
async function expectRecovery(world: World, gateway: Gateway, url: string): Promise<void> {
  await world.expect("every engine is live again", () => areLive(gateway));
  for (const model of ["small", "large"]) {
    const body = { model, messages: [{ role: "user", content: "Well?" }], max_tokens: 4 };
    let tries = 0;
    await world.expect(`${model} serves again after the faults`, async () => {
      const asked: SwarmRequest = {
        id: `probe-${model}`,
        headers: { "x-request-id": `probe-${model}-${++tries}` },
        body: JSON.stringify(body),
        streams: false,
        manner: { kind: "patient" },
        atMs: 0,
      };
      const { end } = await play(asked, url, world.agent);
      return end === "answered";
    });
  }
}

function areLive(gateway: Gateway): boolean {
  return gateway.view().engines.every((engine) => engine.state === "live");
}

/** Whether the books may say so of a request whose client saw that; "none": it was never admitted. */
function agree(end: ClientEnd, outcome: Outcome | "none"): boolean {
  const wasServed = outcome === "completed";
  switch (end) {
    case "answered":
      return wasServed;
    case "refused":
      return !wasServed && outcome !== "client-gone";
    case "told-in-stream":
      return !wasServed && outcome !== "client-gone" && outcome !== "none";
    case "left":
    case "unreached":
    case "broken":
      return true;
  }
}

/** What the gateway wrote down agrees with itself and with what the clients saw. */
async function checkRecords(
  world: World,
  gateway: Gateway,
  asked: readonly SwarmRequest[],
  results: readonly ClientResult[],
): Promise<void> {
  const { violations, setting, eventsPath } = world;
  const { admitted, records } = await readEvents(eventsPath);
  const replay = await replayEventLog(eventsPath);
  if (replay.cut || replay.difference !== null) violations.push("the event log does not replay");
  const rows = gateway.storeCounts()?.written.stages ?? admitted;
  if (rows !== admitted || records.length !== admitted) {
    violations.push(`${admitted} admitted, ${records.length} recorded, ${rows} rows`);
  }
  const byId = new Map(records.map((record) => [record.requestId, record]));
  for (const [index, { id }] of asked.entries()) {
    const end = results[index]?.end ?? "broken";
    const outcome = byId.get(id)?.outcome ?? "none";
    // A request that the gateway ended because it stops is one whose client is told to go.
    const isStopped = setting.stop !== "no" && end !== "answered" && outcome === "client-gone";
    if (!agree(end, outcome) && !isStopped) {
      violations.push(`${id}: the client was ${end}, the books say ${outcome}`);
    }
  }
}

async function readEvents(
  path: string,
): Promise<{ readonly admitted: number; readonly records: readonly StageRecord[] }> {
  const lines = (await readFile(path, "utf8")).trim().split("\n").slice(1);
  const steps = lines.map((line): EventLogStep => JSON.parse(line));
  return {
    admitted: steps.filter(({ event }) => event.type === "request-arrived").length,
    records: steps
      .flatMap(({ commands }) => commands)
      .filter((command): command is StageRecord => command.type === "record-stage"),
  };
}

/** Sockets, timers, threads and servers that keep the process alive, by kind. */
function resources(): Record<string, number> {
  return countOf(
    process
      .getActiveResourcesInfo()
      .filter((name) => /^(TCP|Timeout|Worker|MessagePort)/.test(name)),
  );
}

/** What there is now and was not before, in words; empty when there is nothing. */
function newResources(before: Readonly<Record<string, number>>): string {
  return Object.entries(resources())
    .filter(([name, count]) => count > (before[name] ?? 0))
    .map(([name, count]) => `${count} ${name}`)
    .join(", ");
}

function countFaults(proxies: readonly FaultProxy[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { drawn } of proxies) {
    for (const [kind, count] of drawn) counts[kind] = (counts[kind] ?? 0) + count;
  }
  return counts;
}

function countOf(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}
