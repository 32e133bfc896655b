import { fileURLToPath } from "node:url";
import { poissonArrivals, populate } from "../sim/arrivals.ts";
import { recordedWorkload, type RecordedWorkflow } from "../sim/recorded-workload.ts";
import { replay } from "../sim/replay.ts";
import type { PlayedStage } from "../sim/replay-workflow.ts";
import { readRuns, readTasks } from "../sim/run-file.ts";
import type { ExitCode, Printer } from "./printer.ts";

export interface DemoFlags {
  readonly url: string;
  /** Workflows that start per second. */
  readonly rate: number;
  readonly seed: number;
}

const SAMPLES = new URL("../../samples/", import.meta.url);
/** The sample's models, in the order of the embedded cluster's. */
const SAMPLE_MODELS = ["Qwen2.5-1.5B-Instruct", "Qwen2.5-7B-Instruct", "Qwen2.5-14B-Instruct"];
const EMBEDDED_MODELS = ["small", "medium", "large"];
/** Workflows that are drawn at once. */
const ROUND_WORKFLOWS = 500;
const ROUND_MS_MAX = 24 * 3_600_000;

/** `chimera demo`: agents that never stop: the shipped sample's workflows against the embedded cluster. */
export async function demo(flags: DemoFlags, printer: Printer): Promise<ExitCode> {
  const runs = await readRuns(fileURLToPath(new URL("runs.jsonl.gz", SAMPLES)));
  const tasks = await readTasks(fileURLToPath(new URL("tasks.jsonl.gz", SAMPLES)));
  const texts = { tasks: tasks.rows, templates: [] };
  const options = { models: SAMPLE_MODELS, parts: null, externalMsPerToken: 0 };
  const recorded = recordedWorkload(runs.rows, texts, options).workflows.map(onEmbeddedModels);
  if (recorded.length === 0) {
    printer.say("the shipped sample is not there; nothing to play");
    return 1;
  }
  for (let round = 0; ; round++) {
    const seed = flags.seed + round;
    const arrivals = poissonArrivals(ROUND_WORKFLOWS, flags.rate, seed);
    await replay({
      baseUrl: flags.url,
      workflows: populate(recorded, arrivals, seed).map((workflow) => ({
        ...workflow,
        id: `demo-${round}-${workflow.id}`,
      })),
      speedup: 1,
      deadlineMs: ROUND_MS_MAX,
      onStage: (stage) => printer.out(lineOf(stage)),
    });
  }
}

function onEmbeddedModels(workflow: RecordedWorkflow): RecordedWorkflow {
  const courses = Object.fromEntries(
    SAMPLE_MODELS.flatMap((model, index) => {
      const course = workflow.courses[model];
      const name = EMBEDDED_MODELS[index];
      return course === undefined || name === undefined ? [] : [[name, course] as const];
    }),
  );
  return { ...workflow, courses };
}

function lineOf({ request, reply }: PlayedStage): string {
  const { workflowId, kind, stage, role } = request;
  const what = `${workflowId.padEnd(12)} ${kind} stage ${stage} (${role ?? "agent"})`.padEnd(62);
  if (!reply.ok) return `${what} failed: ${reply.reason}`;
  const { model, outputTokens, queueWaitMs } = reply;
  return `${what} ${(model ?? "?").padEnd(7)} ${String(outputTokens).padStart(5)} tokens, waited ${queueWaitMs} ms`;
}
