import { setTimeout as delay } from "node:timers/promises";
import { join } from "node:path";
import type { Config } from "../config/config.ts";
import { parseConfig } from "../config/load.ts";
import { formatProblem } from "../config/problem.ts";
import type { Policy } from "../core/types.ts";
import { replayEventLog } from "../gateway/event-log-replay.ts";
import { createGateway, type Gateway } from "../gateway/server.ts";
import type { Estimator } from "../predict/port.ts";
import { replay, type ReplayProgress, type ReplayResult } from "../sim/replay.ts";
import type { ScenarioEngine } from "../sim/scenario.ts";
import { openTraceReader } from "../store/trace-reader.ts";
import { EngineProcess } from "./engine-process.ts";
import type { PlayedWorkload } from "./played-workload.ts";

/** An engine that is killed in mid-run and started again; times in seconds of real time. */
export interface Kill {
  readonly engine: string;
  readonly atSeconds: number;
  readonly downSeconds: number;
}

export interface LiveRunOptions {
  readonly workload: PlayedWorkload;
  readonly policy: Policy;
  readonly estimator: Estimator;
  readonly speedup: number;
  readonly seed: number;
  /** How emulated engines are told what to play back: the flags of `chimera emulate`. */
  readonly playbackArgs: readonly string[];
  /** Folder for the trace store and the event log. */
  readonly folder: string;
  readonly kill: Kill | null;
  readonly onProgress: (progress: ReplayProgress) => void;
}

/** What must agree after a run, whatever happened in it. */
export interface LiveAudit {
  /** Requests that the client sent, and stage rows in the trace store. */
  readonly requestsSent: number;
  readonly stageRows: number;
  readonly workflowRows: number;
  /** Requests and predicted tokens that the scheduler still had on its books. */
  readonly requestsOpen: number;
  readonly tokensInFlight: number;
  /** Steps of the event log that a fresh core was given, and whether its commands were the same. */
  readonly steps: number;
  readonly identical: boolean;
}

export interface LiveRun {
  readonly result: ReplayResult;
  readonly audit: LiveAudit;
}

/** Plays a workload over HTTP through a gateway and emulated engines that answer as recorded. */
export async function runLive(options: LiveRunOptions): Promise<LiveRun> {
  const { workload, folder } = options;
  const engines = workload.engines.map((engine) => new EngineProcess(launchOf(engine, options)));
  try {
    await Promise.all(engines.map((engine) => engine.start()));
    const eventLog = join(folder, "events.jsonl");
    const config = configOf(options, engines);
    const { estimator } = options;
    const gateway = await createGateway({ config, estimator, recordEventsPath: eventLog });
    const { url } = await gateway.listen();
    const kills = killAndRestart(options.kill, engines);
    const result = await playThrough(gateway, url, options);
    await kills.stop();
    const { requests, engines: views } = gateway.view();
    const tokensInFlight = views.reduce((sum, view) => sum + view.inFlightTokens, 0);
    await gateway.close();
    const rows = storedRows(config.store.path ?? "");
    const { steps, cut, difference } = await replayEventLog(eventLog, options.policy.own);
    const audit: LiveAudit = {
      requestsSent: result.counters.requests,
      stageRows: rows.stages,
      workflowRows: rows.workflows,
      requestsOpen: requests,
      tokensInFlight,
      steps,
      identical: !cut && difference === null,
    };
    return { result, audit };
  } finally {
    await Promise.all(engines.map((engine) => engine.stop()));
  }
}

async function playThrough(
  gateway: Gateway,
  baseUrl: string,
  options: LiveRunOptions,
): Promise<ReplayResult> {
  const { workload, speedup, onProgress } = options;
  await untilLive(gateway);
  const lastMs = (workload.workflows.at(-1)?.arrivalMs ?? 0) / speedup;
  const deadlineMs = Math.min(2 ** 31 - 1, lastMs * 3 + DRAIN_MS_MAX);
  return replay({
    baseUrl,
    workflows: workload.workflows,
    speedup,
    deadlineMs,
    apiKey: "replay",
    onProgress,
  });
}

/** Time for what is open when the last workflow has arrived. */
const DRAIN_MS_MAX = 600_000;
const LIVE_POLLS_MAX = 300;
const LIVE_POLL_MS = 50;

async function untilLive(gateway: Gateway): Promise<void> {
  for (let poll = 0; poll < LIVE_POLLS_MAX; poll++) {
    if (gateway.view().engines.every((engine) => engine.state === "live")) return;
    await delay(LIVE_POLL_MS);
  }
  throw new Error("the emulated engines did not become live");
}

function launchOf(
  engine: ScenarioEngine,
  options: LiveRunOptions,
): { name: string; args: string[] } {
  const numbers: [string, number][] = [
    ["--speedup", options.speedup],
    ["--seed", options.seed],
    ["--max-sequences", engine.maxSequences],
    ["--kv-tokens", engine.kvTokens],
    ["--chunk-tokens", engine.chunkTokens],
    ["--base-ms", engine.baseMs],
    ["--per-sequence-ms", engine.perSequenceMs],
    ["--per-kv-token-ms", engine.perKvTokenMs],
    ["--per-prompt-token-ms", engine.perPromptTokenMs],
  ];
  const args = ["--name", engine.name, "--model", engine.model];
  for (const [flag, value] of numbers) args.push(flag, String(value));
  if (!engine.prefixCache) args.push("--no-prefix-cache");
  return { name: engine.name, args: [...args, ...options.playbackArgs] };
}

function configOf(options: LiveRunOptions, engines: readonly EngineProcess[]): Config {
  const { speedup } = options;
  const text = JSON.stringify({
    listen: "127.0.0.1:0",
    engines: options.workload.engines.map((engine, index) => ({
      name: engine.name,
      url: `${engines[index]?.url}/v1`,
      model: engine.model,
      kind: "vllm",
      maxConcurrency: engine.maxSequences,
      kvTokens: engine.kvTokens,
      speed: {
        baseMs: engine.baseMs / speedup,
        perSequenceMs: engine.perSequenceMs / speedup,
        perKvTokenMs: engine.perKvTokenMs / speedup,
        perPromptTokenMs: engine.perPromptTokenMs / speedup,
      },
    })),
    limits: { queueWaitMsMax: 3_600_000 },
    store: { path: join(options.folder, "traces.db") },
    log: { level: "error" },
    seed: options.seed,
  });
  const sources = { file: "the replayed cluster", environment: {}, flags: {} };
  const parsed = parseConfig(text, sources);
  if (!parsed.ok) throw new Error(parsed.problems.map(formatProblem).join("\n"));
  // As it is: the rules of a policy of one's own are functions.
  return { ...parsed.config, policy: options.policy };
}

/** Kills and restarts an engine while the run goes on; `stop` waits for what is under way. */
function killAndRestart(
  kill: Kill | null,
  engines: readonly EngineProcess[],
): { stop(): Promise<void> } {
  if (kill === null) return { stop: () => Promise.resolve() };
  const engine = engines.find((each) => each.name === kill.engine);
  if (engine === undefined) throw new Error(`no engine ${kill.engine} to kill`);
  const over = new AbortController();
  const cycle = async (): Promise<void> => {
    await delay(kill.atSeconds * 1000, null, { signal: over.signal });
    await engine.kill();
    await delay(kill.downSeconds * 1000, null, { signal: over.signal });
    await engine.start();
  };
  const running = cycle().catch((error: unknown) => {
    if (!over.signal.aborted) throw error;
  });
  return {
    stop: () => {
      over.abort();
      return running;
    },
  };
}

function storedRows(path: string): { readonly stages: number; readonly workflows: number } {
  const opened = openTraceReader(path);
  if (!opened.ok) throw new Error(opened.message);
  const counts = opened.reader.counts();
  opened.reader.close();
  return counts;
}
