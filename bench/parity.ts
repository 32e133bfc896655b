/**
 * Does the simulator tell the truth? `npm run bench -- parity [workflows] [runs]`
 *
 * Plays recorded MINT workflows (Llama-3 8B and 70B, Azure arrivals at 95 % of capacity, policy auto)
 * over HTTP through a live gateway and emulated engines, and through the simulator; compares mean
 * latencies, and replays the live event logs into a fresh core. Needs ../shared/data. An emulated step
 * takes 10 ms of real time and more.
 */
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runLive } from "../src/cli/live-run.ts";
import { readWorkload, type PlayedWorkload } from "../src/cli/played-workload.ts";
import { estimatorOf, simulateWorkload } from "../src/cli/simulate.ts";
import { POLICIES } from "../src/core/policies.ts";
import { outcomesOf, reportOf, type PolicyReport } from "../src/sim/report.ts";

const DATA = fileURLToPath(new URL("../../shared/data/", import.meta.url));
const ENGINES = fileURLToPath(new URL("./parity-engines.yaml", import.meta.url));
const SEED = 1;
const SPEEDUP = 2;

export async function run(print: (line: string) => void): Promise<void> {
  if (!existsSync(DATA)) return print("skipped: ../shared/data is absent");
  const [workflows = 150, runs = 3] = process.argv.slice(3).map(Number);
  const say = (line: string): void => print(`  ${line}`);
  const runFiles = [`${DATA}mint_actor.jsonl.gz`];
  const taskFiles = [`${DATA}tasks.mint.jsonl.gz`];
  const templates = `${DATA}templates.mint.jsonl.gz`;
  const workload = await readWorkload(
    {
      runs: runFiles,
      tasks: taskFiles,
      templates,
      models: ["Meta-Llama-3-8B-Instruct", "Meta-Llama-3-70B-Instruct"],
      arrivals: `${DATA}arrivals/azure2023_conv.csv.gz`,
      load: 0.95,
      engines: ENGINES,
      seed: SEED,
      workflows,
      parts: null,
      externalMsPerToken: 20,
    },
    { out: say, say, progress: () => undefined },
  );
  if (workload === null) return;
  const playbackArgs = ["--runs", ...runFiles, "--tasks", ...taskFiles, "--templates", templates];
  const simulated = simulatedReport(workload);
  print(`simulated     ${line(simulated)}`);
  const live: number[] = [];
  for (let round = 1; round <= runs; round++) {
    const { report, clean } = await liveReport(workload, playbackArgs);
    live.push(report.completionMs?.mean ?? Number.NaN);
    print(`live, run ${round}   ${line(report)}   ${clean}`);
  }
  const median = live.sort((a, b) => a - b)[Math.floor(live.length / 2)] ?? Number.NaN;
  const ratio = (simulated.completionMs?.mean ?? Number.NaN) / median;
  print(`simulated / live (median of ${runs}) mean completion: ${ratio.toFixed(3)}`);
}

const policy = POLICIES["auto"];

function simulatedReport(workload: PlayedWorkload): PolicyReport {
  if (policy === undefined) throw new Error("the policy auto exists");
  const estimator = estimatorOf({ predictor: "cold-start" }, workload);
  return reportOf(
    "simulated",
    outcomesOf(simulateWorkload(workload, policy, { estimator, showsText: false, seed: SEED })),
  );
}

async function liveReport(
  workload: PlayedWorkload,
  playbackArgs: readonly string[],
): Promise<{ report: PolicyReport; clean: string }> {
  if (policy === undefined) throw new Error("the policy auto exists");
  const folder = await mkdtemp(join(tmpdir(), "chimera-parity-"));
  try {
    const { result, audit } = await runLive({
      workload,
      policy,
      estimator: estimatorOf({ predictor: "cold-start" }, workload),
      speedup: SPEEDUP,
      seed: SEED,
      playbackArgs,
      folder,
      kill: null,
      onProgress: () => undefined,
    });
    const clean =
      `${audit.requestsSent} sent = ${audit.stageRows} stored, ${audit.tokensInFlight} tokens left, ` +
      `${audit.steps} steps replayed ${audit.identical ? "identical" : "DIFFERENT"}`;
    return { report: reportOf("live", result.outcomes), clean };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function line({ msPerToken, completionMs, scoreMean }: PolicyReport): string {
  const mean = (completionMs?.mean ?? 0) / 1000;
  return `completion ${mean.toFixed(2)} s  ${msPerToken?.mean.toFixed(2)} ms/token  score ${scoreMean.toFixed(3)}`;
}
