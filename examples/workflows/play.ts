import { createHash, randomUUID } from "node:crypto";
import OpenAI from "openai";
import { CODE_TASKS } from "./code-tasks.ts";
import { sendFeedback, type FeedbackOutcome } from "./feedback.ts";
import { MATH_TASKS } from "./math-tasks.ts";
import type { Task } from "./task.ts";
import { runWorkflow, type RunSettings, type WorkflowRun } from "./workflow-run.ts";
import type { Workflow } from "./workflow.ts";

export interface PlayOptions extends RunSettings {
  readonly workflow: Workflow;
  readonly tasks: readonly Task[];
  /** Workflows at once. */
  readonly concurrency: number;
  /** After each task, in the order in which they end. */
  readonly played: (result: PlayedTask) => void;
}

export type PlayedTask = {
  readonly task: Task;
  readonly tookMs: number;
} & (
  | { readonly ok: true; readonly run: WorkflowRun; readonly feedback: FeedbackOutcome }
  | { readonly ok: false; readonly problem: string }
);

/** So many tasks of a domain in an order that the seed decides; beyond the last it starts over. */
export function pickTasks(domain: Task["domain"], count: number, seed: number): Task[] {
  const all: readonly Task[] = domain === "code" ? CODE_TASKS : MATH_TASKS;
  const rank = ({ id }: Task): string => createHash("sha256").update(`${seed} ${id}`).digest("hex");
  const order = all.toSorted((one, other) => rank(one).localeCompare(rank(other)));
  return Array.from({ length: count }, (_, index) => order[index % order.length] ?? []).flat();
}

/** Plays tasks, some at a time. A call that fails ends its workflow alone; rejects when nobody can be reached. */
export async function playTasks(options: PlayOptions): Promise<PlayedTask[]> {
  const { tasks, concurrency, played } = options;
  const results: PlayedTask[] = [];
  const waiting = [...tasks];
  const agent = async (): Promise<void> => {
    for (let task = waiting.shift(); task !== undefined; task = waiting.shift()) {
      const result = await playTask(task, options);
      results.push(result);
      played(result);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, tasks.length) }, agent));
  return results;
}

async function playTask(task: Task, options: PlayOptions): Promise<PlayedTask> {
  const { workflow, client } = options;
  const startMs = performance.now();
  const tookMs = (): number => performance.now() - startMs;
  try {
    const run = await runWorkflow(workflow, task, `${workflow.name}-${randomUUID()}`, options);
    const feedback = await sendFeedback(client, run.workflowId, run.score);
    return { ok: true, task, run, feedback, tookMs: tookMs() };
  } catch (error) {
    if (error instanceof OpenAI.APIConnectionError || !(error instanceof OpenAI.APIError)) {
      throw error;
    }
    return { ok: false, task, problem: error.message, tookMs: tookMs() };
  }
}
