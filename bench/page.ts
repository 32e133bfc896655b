/**
 * Is the dashboard light while much happens? `npm run bench -- page [BACKLOG]`
 *
 * A backlog that waits, and 100 requests a second before it, each of which is at least two events (it
 * arrives, it ends), for 60 s before one open page. Prints the page's share of a core (tasks of its main
 * thread) and its heap after collections, from Chromium's own metrics. The heap must be flat: the last
 * is compared with that after 15 s, when the charts have their first points.
 */
import { Agent, request } from "node:http";
import type { CDPSession } from "playwright-core";
import type { Config } from "../src/config/config.ts";
import { parseConfig } from "../src/config/load.ts";
import { createGateway } from "../src/gateway/server.ts";
import { type Emulator, startEmulator } from "../src/sim/emulator.ts";
import { browserPath, launchBrowser } from "../test/ui/browser.ts";

/** With two sockets each in this process; needs `ulimit -n` of more than twice as many. */
const BACKLOG = 9_900;
const SECONDS = 60;
const LOOK_SECONDS = 15;
const REQUESTS_PER_SECOND = 100;
const TICK_MS = 100;
const CORE_SHARE_MAX = 0.1;
const GROWTH_MAX = 1.1;
const SPEED = { baseMs: 10, perSequenceMs: 0, perKvTokenMs: 0, perPromptTokenMs: 0 };

interface Load {
  readonly port: number;
  readonly agent: Agent;
  asked: number;
  answered: number;
}

export async function run(print: (line: string) => void): Promise<void> {
  if (browserPath === null) throw new Error("no Chromium: apt-get install chromium");
  const backlog = Number(process.argv[3] ?? BACKLOG);
  const emulators = [await startEngine("small"), await startEngine("large")];
  const gateway = await createGateway({ config: configOf(emulators) });
  const { port } = await gateway.listen();
  await until(() => gateway.view().engines.every((engine) => engine.state === "live"));
  const load: Load = { port, agent: new Agent({ keepAlive: true }), asked: 0, answered: 0 };
  for (let sent = 0; sent < backlog; sent++) {
    ask(load, "bulk");
    // As fast as they are taken: a listener that is flooded refuses connections.
    if (sent % 100 === 99) await until(() => gateway.view().requests + load.answered > sent - 100);
  }
  const timer = setInterval(() => {
    for (let each = 0; each < (REQUESTS_PER_SECOND * TICK_MS) / 1000; each++) {
      ask(load, "interactive");
    }
  }, TICK_MS);
  const browser = await launchBrowser(browserPath);
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    await page.goto(`http://127.0.0.1:${port}/ui`);
    await page.waitForSelector('.link[data-connected="true"]');
    const debug = await page.context().newCDPSession(page);
    await debug.send("Performance.enable");
    await measure(debug, load, print);
    const { queuedByClass } = gateway.view();
    print(`waiting at the end: ${JSON.stringify(queuedByClass)}`);
    const rows = await page.locator("main tr").count();
    print(`rows in the page: ${rows}`);
  } finally {
    clearInterval(timer);
    await browser.close();
    await gateway.destroy();
    load.agent.destroy();
    await Promise.all(emulators.map((emulator) => emulator.destroy()));
  }
}

async function measure(
  debug: CDPSession,
  load: Load,
  print: (line: string) => void,
): Promise<void> {
  const answeredBefore = load.answered;
  const askedBefore = load.asked;
  const heapsMb: number[] = [];
  let busySeconds = 0;
  let seconds = 0;
  while (seconds < SECONDS) {
    const before = await metricsOf(debug);
    await new Promise((resolve) => setTimeout(resolve, LOOK_SECONDS * 1000));
    const after = await metricsOf(debug);
    busySeconds += after("TaskDuration") - before("TaskDuration");
    seconds += after("Timestamp") - before("Timestamp");
    // Between the measurements, so that collections are not counted as the page's work.
    await debug.send("HeapProfiler.collectGarbage");
    const heap = (await metricsOf(debug))("JSHeapUsedSize") / 1e6;
    heapsMb.push(heap);
    print(`${seconds.toFixed(0)} s: ${share(busySeconds / seconds)}, heap ${heap.toFixed(2)} MB`);
  }
  const events = load.asked - askedBefore + load.answered - answeredBefore;
  print(`events of requests: ${(events / seconds).toFixed(0)} a second`);
  const isLight = busySeconds / seconds < CORE_SHARE_MAX;
  print(`page: ${share(busySeconds / seconds)}: ${isLight ? "light" : "HEAVY"}`);
  const growth = (heapsMb.at(-1) ?? 0) / (heapsMb[0] ?? 1);
  print(`heap ${growth.toFixed(3)} x: ${growth <= GROWTH_MAX ? "flat" : "GREW"}`);
  if (!isLight || growth > GROWTH_MAX) process.exitCode = 1;
}

function share(part: number): string {
  return `${(part * 100).toFixed(1)} % of a core`;
}

async function metricsOf(debug: CDPSession): Promise<(name: string) => number> {
  const { metrics } = await debug.send("Performance.getMetrics");
  return (name) => metrics.find((each) => each.name === name)?.value ?? Number.NaN;
}

function ask(load: Load, priorityClass: string): void {
  load.asked++;
  const body = JSON.stringify({
    model: "chimera",
    max_tokens: 16,
    messages: [{ role: "user", content: `Task ${load.asked}.` }],
  });
  const outgoing = request({
    host: "127.0.0.1",
    port: load.port,
    agent: load.agent,
    method: "POST",
    path: "/v1/chat/completions",
    headers: { "x-chimera-class": priorityClass, "content-length": body.length },
  });
  outgoing.on("response", (response) => {
    response.resume();
    response.on("end", () => load.answered++);
  });
  // What is left at the end is cut off with the gateway.
  outgoing.on("error", () => {});
  outgoing.end(body);
}

function startEngine(model: string): Promise<Emulator> {
  return startEmulator({
    ...SPEED,
    name: `${model}-1`,
    model,
    maxModelLen: 16_384,
    maxSequences: 1,
    kvTokens: 50_000,
    chunkTokens: 4096,
    prefixCache: false,
    speedup: 10,
    queueRequestsMax: 100,
    order: "fcfs",
    seed: 1,
  });
}

function configOf(emulators: readonly Emulator[]): Config {
  const engines = emulators.map(({ url }, index) => ({
    url,
    model: index === 0 ? "small" : "large",
    kind: "vllm",
    maxConcurrency: 1,
    confidence: index === 0 ? 0.5 : 0.8,
    speed: SPEED,
  }));
  const document = {
    listen: "127.0.0.1:0",
    engines,
    limits: { queueRequestsMax: 100_000, queueRequestsPerKeyMax: 100_000 },
    store: { path: null },
    log: { level: "error" },
  };
  const sources = { file: "page.yaml", environment: {}, flags: {} };
  const parsed = parseConfig(JSON.stringify(document), sources);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

/** Resolves when the claim holds; looked at in each turn of the event loop. */
async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}
