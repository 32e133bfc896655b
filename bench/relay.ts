/**
 * What the gateway costs beside the least that a proxy can do: `npm run bench -- relay [SCALE [CASE]]`.
 *
 * The gateway runs as a user runs it (built, `serve`, policy auto, trace store and metrics on) and
 * takes turns with a node:http pipe before the same mock engine. CPU is that of the whole process, all
 * threads, from /proc. A request that asks for no stream is a stream towards the engine all the same.
 * SCALE multiplies the number of requests, CASE is a part of a case's name; with PROFILE=FOLDER the gateway writes a CPU profile there.
 */
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { Agent } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ask, closedLoad, type LoadResult, openLoad, type Shape } from "./relay/load.ts";
import { MeasuredProcess } from "./relay/process.ts";

const ROUNDS = 3;
const COLD_STARTS = 3;
const SETTLE_MS = 1_000;
/** Below node_modules, so that the build finds its packages and nothing finds the build. */
const BUILD: string = fileURLToPath(new URL("../node_modules/.cache/relay-bench", import.meta.url));

const PLAIN: Shape = { streams: false, chunks: 1, paceMs: 0, bodyBytes: 200 };
const UNPACED: Shape = { streams: true, chunks: 64, paceMs: 0, bodyBytes: 200 };
const PACED: Shape = { ...UNPACED, paceMs: 10 };
const OPEN: Shape = { ...UNPACED, paceMs: 100 };

interface Target {
  readonly name: "pipe" | "gateway";
  readonly process: MeasuredProcess;
  readonly port: number;
}

interface Case {
  readonly name: string;
  readonly floor: number;
  readonly aim: number;
  readonly load: (port: number) => Promise<LoadResult>;
}

function casesOf(scale: number): Case[] {
  const closed =
    (shape: Shape, requests: number): Case["load"] =>
    (port) =>
      closedLoad(port, shape, { requests: Math.ceil(requests * scale), together: 16 });
  const paced: Case["load"] = (port) =>
    openLoad(port, PACED, { requests: Math.ceil(400 * scale), everyMs: 10 });
  return [
    { name: "plain request", floor: 2, aim: 1.2, load: closed(PLAIN, 4000) },
    { name: "64 chunks, unpaced", floor: 1.6, aim: 1.15, load: closed(UNPACED, 1500) },
    { name: "64 chunks, 10 ms, 100/s", floor: 1.25, aim: 1.05, load: paced },
    {
      name: "200 KB body",
      floor: 2,
      aim: 1.3,
      load: closed({ ...PLAIN, bodyBytes: 200_000 }, 1000),
    },
  ];
}

export async function run(print: (line: string) => void): Promise<void> {
  const scale = Number(process.argv[3] ?? 1);
  const chosen = process.argv[4];
  build();
  const folder = await mkdtemp(join(tmpdir(), "chimera-relay-"));
  const upstream = new MeasuredProcess(script("upstream.ts"));
  const enginePort = Number(await upstream.said(/^(\d+)$/));
  try {
    if (chosen === undefined) await coldStarts(print, folder, enginePort);
    const gateway = await startGateway(folder, enginePort, profileArgs());
    const pipe = new MeasuredProcess(script("pipe.ts", String(enginePort)));
    const pipeTarget: Target = {
      name: "pipe",
      process: pipe,
      port: Number(await pipe.said(/^(\d+)$/)),
    };
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    print(`idle: ${(await gateway.process.residentMb()).toFixed(0)} MB (floor 80)`);
    const cases = casesOf(scale).filter(({ name }) => name.includes(chosen ?? ""));
    for (const each of cases) await compare(each, [pipeTarget, gateway], print);
    if (chosen === undefined) await openStreams(gateway, print);
    await gateway.process.stop();
    await pipe.stop();
  } finally {
    await upstream.stop();
    await rm(folder, { recursive: true });
  }
}

function build(): void {
  const tsc = fileURLToPath(new URL("../node_modules/.bin/tsc", import.meta.url));
  const project = fileURLToPath(new URL("../tsconfig.build.json", import.meta.url));
  execFileSync(tsc, ["-p", project, "--outDir", BUILD], { stdio: "inherit" });
}

function script(name: string, ...args: string[]): string[] {
  return ["--import", "tsx", fileURLToPath(new URL(`./relay/${name}`, import.meta.url)), ...args];
}

function profileArgs(): string[] {
  const folder = process.env["PROFILE"];
  return folder === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${folder}`];
}

async function startGateway(folder: string, enginePort: number, flags: string[]): Promise<Target> {
  const port = await freePort();
  const file = join(folder, "chimera.json");
  const engine = (name: string, model: string, confidence: number): object => ({
    name,
    model,
    confidence,
    kind: "vllm",
    url: `http://127.0.0.1:${enginePort}/v1`,
    maxConcurrency: 1000,
  });
  const document = {
    listen: `127.0.0.1:${port}`,
    engines: [engine("small-1", "small", 0.5), engine("large-1", "large", 0.8)],
    store: { path: join(folder, "traces.db") },
    log: { level: "warn" },
  };
  await writeFile(file, JSON.stringify(document));
  const args = [...flags, join(BUILD, "cli/main.js"), "serve", "--config", file];
  return { name: "gateway", process: new MeasuredProcess(args), port };
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** From the start of the process to the end of its first answer. */
async function coldStarts(
  print: (line: string) => void,
  folder: string,
  enginePort: number,
): Promise<void> {
  const tookMs: number[] = [];
  const agent = new Agent();
  for (let turn = 0; turn < COLD_STARTS; turn++) {
    const beganMs = performance.now();
    const { process: started, port } = await startGateway(folder, enginePort, []);
    while ((await ask(port, agent, PLAIN)) === null) {
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    tookMs.push(performance.now() - beganMs);
    await started.stop();
  }
  const median = tookMs.sort((a, b) => a - b)[Math.floor(COLD_STARTS / 2)] ?? Number.NaN;
  print(`cold start to first answer: ${median.toFixed(0)} ms (floor 400, aim 250)`);
}

/** Both in turn, a few times; the first turn warms up and does not count. */
async function compare(
  { name, floor, aim, load }: Case,
  targets: readonly Target[],
  print: (line: string) => void,
): Promise<void> {
  const cpuMs = { pipe: 0, gateway: 0 };
  const requests = { pipe: 0, gateway: 0 };
  const firstMs: Record<Target["name"], number[]> = { pipe: [], gateway: [] };
  let lost = 0;
  for (let round = 0; round <= ROUNDS; round++) {
    for (const target of targets) {
      const before = await target.process.cpuMs();
      const result = await load(target.port);
      lost += result.lost;
      if (round === 0) continue;
      cpuMs[target.name] += (await target.process.cpuMs()) - before;
      requests[target.name] += result.requests;
      firstMs[target.name].push(...result.firstMs);
    }
  }
  const each = (target: Target["name"]): number => cpuMs[target] / requests[target];
  const ratio = each("gateway") / each("pipe");
  const verdict = ratio <= aim ? "aim met" : ratio <= floor ? "floor met" : "MISSED";
  const added = (share: number): string =>
    (at(firstMs.gateway, share) - at(firstMs.pipe, share)).toFixed(2);
  print(
    [
      name.padEnd(24),
      `${ratio.toFixed(2)} x (floor ${floor}, aim ${aim}: ${verdict})`,
      `gateway ${each("gateway").toFixed(3)} ms, pipe ${each("pipe").toFixed(3)} ms a request`,
      `first byte +${added(0.5)} ms at p50, +${added(0.99)} at p99`,
      `${lost} lost`,
    ].join("   "),
  );
}

function at(values: number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN;
}

async function openStreams({ process: gateway, port }: Target, print: (line: string) => void) {
  const before = await gateway.residentMb();
  const load = openLoad(port, OPEN, { requests: 500, everyMs: 2 });
  await new Promise((resolve) => setTimeout(resolve, 3 * SETTLE_MS));
  const during = await gateway.residentMb();
  const { lost } = await load;
  const growth = (during - before).toFixed(0);
  print(
    `500 open streams: ${lost} lost, ${before.toFixed(0)} MB before, ${growth} MB more with them`,
  );
}
