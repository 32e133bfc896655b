import { z } from "zod";
import { readJsonLines, type JsonLines } from "./json-lines.ts";

/** One LLM call of a recorded run. */
export interface RunStage {
  readonly role: string | null;
  readonly model: string;
  readonly in_chars: number | null;
  readonly in_tok: number | null;
  readonly out_tok: number | null;
  /** The text produced, and what the environment answered; empty where not recorded. */
  readonly out: string;
  readonly env: string;
}

/** A recorded workflow run, version 1 of the format. Unknown keys are left alone. */
export interface Run {
  readonly v: 1;
  readonly dataset: string;
  readonly subset: string;
  readonly task_id: string;
  readonly workflow: string;
  readonly models: Readonly<Record<string, string>>;
  readonly trial: number;
  /** 0..1. */
  readonly reward: number;
  readonly part: string;
  readonly template: string | null;
  readonly stages: readonly RunStage[];
}

/** A run that was cut before a stage: that stage has no output yet, and nothing is known of the outcome. */
export interface RunRequest {
  readonly runId: string;
  /** Models that the router is asked about. */
  readonly candidates: readonly string[];
  readonly run: Run;
}

export interface Task {
  readonly task_id: string;
  readonly prompt: string;
}

export interface Template {
  readonly template: string;
  /** Text of a first message, with `{TASK}` where the task's prompt goes. */
  readonly text: string;
}

const count = z
  .number()
  .int()
  .nonnegative()
  .nullish()
  .transform((value) => value ?? null);
const text = z
  .string()
  .nullish()
  .transform((value) => value ?? "");

const stageSchema = z.object({
  role: z
    .string()
    .nullish()
    .transform((value) => value ?? null),
  model: z.string().min(1),
  in_chars: count,
  in_tok: count,
  out_tok: count,
  out: text,
  env: text,
});

const runFields = {
  v: z.literal(1),
  dataset: z.string(),
  subset: text,
  task_id: z.string().min(1),
  workflow: z.string().min(1),
  models: z.record(z.string(), z.string()),
  trial: z
    .number()
    .int()
    .nullish()
    .transform((value) => value ?? 0),
  part: z
    .string()
    .nullish()
    .transform((value) => value ?? "valid"),
  template: z
    .string()
    .nullish()
    .transform((value) => value ?? null),
  stages: z.array(stageSchema).min(1),
};

const runSchema: z.ZodType<Run> = z.object({ ...runFields, reward: z.number().min(0).max(1) });

const requestSchema: z.ZodType<RunRequest> = z
  .object({
    ...runFields,
    v: z.literal(1).default(1),
    models: z.union([z.record(z.string(), z.string()), z.array(z.string()).min(1)]),
    run_id: z.union([z.string(), z.number()]).transform(String),
  })
  .transform(({ run_id: runId, models, ...rest }) => {
    const first = rest.stages[0]?.model ?? "";
    const candidates = Array.isArray(models) ? models : [first];
    const roles = Array.isArray(models) ? {} : models;
    return { runId, candidates, run: { ...rest, models: roles, reward: 0 } };
  });

const taskSchema: z.ZodType<Task> = z.object({ task_id: z.string().min(1), prompt: z.string() });
const templateSchema: z.ZodType<Template> = z.object({
  template: z.string().min(1),
  text: z.string(),
});

export function readRuns(file: string): Promise<JsonLines<Run>> {
  return readJsonLines(file, runSchema);
}

export function readRunRequests(file: string): Promise<JsonLines<RunRequest>> {
  return readJsonLines(file, requestSchema);
}

export function readTasks(file: string): Promise<JsonLines<Task>> {
  return readJsonLines(file, taskSchema);
}

export function readTemplates(file: string): Promise<JsonLines<Template>> {
  return readJsonLines(file, templateSchema);
}
