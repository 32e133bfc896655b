import { populate, poissonArrivals, readArrivals, windowOf } from "../sim/arrivals.ts";
import { capacityPerSecond } from "../sim/capacity.ts";
import { readEngineFile } from "../sim/engine-file.ts";
import type { JsonLines } from "../sim/json-lines.ts";
import { recordedWorkload, type RecordedWorkload } from "../sim/recorded-workload.ts";
import { readRuns, readTasks, readTemplates, type Run } from "../sim/run-file.ts";
import type { ScenarioEngine } from "../sim/scenario.ts";
import type { PlayableWorkflow } from "../sim/workload.ts";
import type { WorkflowSeen } from "../predict/port.ts";
import type { Printer } from "./printer.ts";

/** Which recorded runs are played, and how. */
export interface RecordedFlags {
  readonly runs: readonly string[];
  readonly tasks: readonly string[];
  readonly templates: string | undefined;
  readonly models: readonly string[];
  readonly parts: readonly string[] | null;
  readonly externalMsPerToken: number;
}

/** What `replay` and `simulate` are told about their workload. */
export interface WorkloadFlags extends RecordedFlags {
  readonly arrivals: string | undefined;
  readonly load: number;
  readonly engines: string | undefined;
  readonly seed: number;
  readonly workflows: number;
}

export interface PlayedWorkload {
  readonly engines: readonly ScenarioEngine[];
  readonly workflows: readonly PlayableWorkflow[];
  /** Distinct recorded workflows that were drawn from. */
  readonly recorded: RecordedWorkload;
  readonly training: readonly WorkflowSeen[];
  /** Workflows per second at load 1. */
  readonly capacity: number;
}

/** Reads and joins everything that a run over recorded workflows needs; says what is wrong and answers null when it cannot. */
export async function readWorkload(
  flags: WorkloadFlags,
  printer: Printer,
): Promise<PlayedWorkload | null> {
  const recorded = await readRecorded(flags, printer);
  const engines = await readEngines(flags, printer);
  if (recorded === null || engines === null) return null;
  const capacity = capacityPerSecond(engines, recorded.workflows, flags.seed);
  const arrivalsMs = await arrivalsOf(flags, capacity * flags.load, printer);
  if (arrivalsMs === null) return null;
  const workflows = populate(recorded.workflows, arrivalsMs, flags.seed);
  return { engines, workflows, recorded, training: recorded.training, capacity };
}

/** Reads and joins recorded runs; says what is wrong and answers null when there is nothing to play. */
export async function readRecorded(
  flags: RecordedFlags,
  printer: Printer,
): Promise<RecordedWorkload | null> {
  const runs = await readAll(flags.runs, readRuns, printer);
  const tasks = await readAll(flags.tasks, readTasks, printer);
  const templateFiles = flags.templates === undefined ? [] : [flags.templates];
  const templates = await readAll(templateFiles, readTemplates, printer);
  if (runs === null || tasks === null || templates === null) return null;
  const { models, parts, externalMsPerToken } = flags;
  const recorded = recordedWorkload(
    runs,
    { tasks, templates },
    { models, parts, externalMsPerToken },
  );
  const { withoutLengths, notOnAllModels } = recorded.unusable;
  if (withoutLengths > 0) printer.say(`${withoutLengths} runs have no lengths and are not played`);
  if (notOnAllModels > 0) printer.say(`${notOnAllModels} problems were not run on all models`);
  if (recorded.workflows.length > 0) return recorded;
  printer.say(`no problem was run on all of ${models.join(", ")}; models in the files:`);
  for (const model of modelsOf(runs)) printer.say(`  ${model}`);
  return null;
}

function modelsOf(runs: readonly Run[]): string[] {
  return [...new Set(runs.flatMap((run) => run.stages.map((stage) => stage.model)))].sort();
}

/** Rows of several files of one kind; says what is wrong with which line and answers null then. */
export async function readAll<T>(
  files: readonly string[],
  read: (file: string) => Promise<JsonLines<T>>,
  printer: Printer,
): Promise<T[] | null> {
  const rows: T[] = [];
  let problems = 0;
  for (const file of files) {
    const lines = await read(file);
    rows.push(...lines.rows);
    for (const { line, message } of lines.problems) printer.say(`${file}:${line}: ${message}`);
    problems += lines.problems.length;
  }
  return problems > 0 ? null : rows;
}

/** Step times of a small model and of larger ones, for when no engine file is given. */
const DEFAULT_BASE_MS = 20;

async function readEngines(
  flags: WorkloadFlags,
  printer: Printer,
): Promise<readonly ScenarioEngine[] | null> {
  if (flags.engines === undefined) {
    printer.say("no --engines: one made-up engine a model, each twice as slow as the one before");
    return flags.models.map((model, index) => defaultEngine(model, DEFAULT_BASE_MS * 2 ** index));
  }
  const result = await readEngineFile(flags.engines);
  if (!result.ok) {
    for (const problem of result.problems) printer.say(problem);
    return null;
  }
  return matchModels(result.engines, flags.models, printer);
}

function defaultEngine(model: string, baseMs: number): ScenarioEngine {
  return {
    name: model,
    model,
    maxSequences: 16,
    kvTokens: 40_000,
    chunkTokens: 2048,
    baseMs,
    perSequenceMs: baseMs / 40,
    perKvTokenMs: 0,
    perPromptTokenMs: baseMs / 200,
    prefixCache: true,
    profileMsPerToken: baseMs * 1.4,
    profileBatch: 16,
  };
}

/** Engines name the models of the runs; where none does and the numbers agree, they are matched by position. */
function matchModels(
  engines: readonly ScenarioEngine[],
  models: readonly string[],
  printer: Printer,
): readonly ScenarioEngine[] | null {
  const named = [...new Set(engines.map((engine) => engine.model))];
  const unserved = models.filter((model) => !named.includes(model));
  if (unserved.length === 0) return engines.filter((engine) => models.includes(engine.model));
  if (unserved.length < models.length || named.length !== models.length) {
    printer.say(`no engine serves ${unserved.join(", ")}; engines serve ${named.join(", ")}`);
    return null;
  }
  for (const [index, name] of named.entries()) printer.say(`model ${name} plays ${models[index]}`);
  return engines.map((engine) => ({
    ...engine,
    model: models[named.indexOf(engine.model)] ?? engine.model,
  }));
}

async function arrivalsOf(
  flags: WorkloadFlags,
  perSecond: number,
  printer: Printer,
): Promise<number[] | null> {
  if (flags.arrivals === undefined) return poissonArrivals(flags.workflows, perSecond, flags.seed);
  const result = await readArrivals(flags.arrivals);
  if (result.ok) return windowOf(result.trace, flags.workflows, perSecond, flags.seed);
  printer.say(result.message);
  return null;
}
