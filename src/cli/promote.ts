import { readFile } from "node:fs/promises";
import type { Decoded } from "../learn/model-file.ts";
import { trainLength } from "../predict/length-training.ts";
import { loadLengthModel } from "../predict/length-model.ts";
import {
  compareLengthModels,
  compareRouterModels,
  PROMOTION_GAIN_MIN,
  type PromotionVerdict,
} from "../predict/promotion.ts";
import { loadRouterModel } from "../predict/router-model.ts";
import { trainRouter } from "../predict/router-training.ts";
import { lengthExamples, type RunTexts } from "../sim/length-examples.ts";
import { routerExamples } from "../sim/router-examples.ts";
import { readRuns, readTasks, readTemplates, type Run } from "../sim/run-file.ts";
import { importTraces } from "../sim/trace-import.ts";
import { openTraceReader } from "../store/trace-reader.ts";
import { readAll } from "./played-workload.ts";
import type { ExitCode, Printer } from "./printer.ts";
import { replaceFile } from "./replace-file.ts";
import type { TrainFlags } from "./train.ts";

export interface PromoteFlags extends Omit<TrainFlags, "out"> {
  /** The model file in use. */
  readonly current: string;
  /** A gateway's trace store. */
  readonly traces: string | undefined;
}

/** Share of the runs, the newest ones, that both models are judged on. */
const NEWEST_SHARE = 0.2;
const NEWEST_RUNS_MIN = 10;

/**
 * `chimera train --promote CURRENT`: learns from the older runs, compares with the model in use on the
 * newest fifth, and takes its place only where it is better; the old file stays as CURRENT.previous.
 * What is judged is what is written. Runs of a trace store stand in the order in which they ended; those
 * of a run file, which knows no times, in the order of the file.
 * @returns 0 promoted; 3 the model in use stays; 2 nothing to learn from or to be judged on; 1 the file
 * could not be written.
 */
export async function promote(flags: PromoteFlags, printer: Printer): Promise<ExitCode> {
  const recorded = await readAll(flags.runs, readRuns, printer);
  const traced = flags.traces === undefined ? [] : tracedRuns(flags.traces, printer);
  const texts = await readTexts(flags, printer);
  if (recorded === null || traced === null || texts === null) return 2;
  const isAsked = ({ part }: Run): boolean => flags.parts === null || flags.parts.includes(part);
  const runs = [...recorded, ...traced].filter(isAsked);
  const newest = Math.max(NEWEST_RUNS_MIN, Math.round(runs.length * NEWEST_SHARE));
  if (runs.length < 2 * newest) {
    printer.say(`${runs.length} runs are too few to learn from and to be judged on; see --parts`);
    return 2;
  }
  if (recorded.length > 0) printer.say("run files have no times: the last runs count as newest");
  const older = runs.slice(0, -newest);
  const judged = runs.slice(-newest);
  printer.say(`learning from ${older.length} runs, judged on the newest ${judged.length}`);
  const current = await currentOf(flags.current, printer);
  if (current === undefined) return 2;
  const compared =
    flags.what === "length"
      ? compareLength({ flags, current, older, judged, texts })
      : compareRouter({ flags, current, older, judged, texts });
  if (compared === null) {
    printer.say("the runs hold nothing to learn from or to be judged on");
    return 2;
  }
  return conclude(compared, flags, printer);
}

interface Comparison {
  readonly flags: PromoteFlags;
  readonly current: Uint8Array | null;
  readonly older: readonly Run[];
  readonly judged: readonly Run[];
  readonly texts: RunTexts;
}

interface Compared {
  readonly bytes: Uint8Array;
  /** Why there is no model in use, or how the two compare. */
  readonly result: string | PromotionVerdict;
}

function compareLength({ flags, current, older, judged, texts }: Comparison): Compared | null {
  const { examples } = lengthExamples(older, texts, null);
  const newest = lengthExamples(judged, texts, null).examples;
  if (examples.length === 0 || newest.length === 0) return null;
  const { recipe } = flags;
  const bytes = trainLength(examples, { recipe, ...optionsOf(flags) });
  if (current === null) return { bytes, result: NO_CURRENT };
  const before = loadLengthModel(current);
  const after = sound(loadLengthModel(bytes));
  if (!before.ok) return { bytes, result: before.fault.message };
  return { bytes, result: compareLengthModels(before.value, after, newest, flags.seed) };
}

function compareRouter({ flags, current, older, judged, texts }: Comparison): Compared | null {
  const examples = routerExamples(older, texts, null);
  const newest = routerExamples(judged, texts, null);
  if (examples.length === 0 || newest.length === 0) return null;
  const bytes = trainRouter(examples, optionsOf(flags));
  if (current === null) return { bytes, result: NO_CURRENT };
  const before = loadRouterModel(current);
  const after = sound(loadRouterModel(bytes));
  if (!before.ok) return { bytes, result: before.fault.message };
  return { bytes, result: compareRouterModels(before.value, after, newest, flags.seed) };
}

const NO_CURRENT = "there is none";

function sound<T>(loaded: Decoded<T>): T {
  if (!loaded.ok) throw new Error(`a new model cannot be read: ${loaded.fault.message}`);
  return loaded.value;
}

function optionsOf({ seed, trees }: PromoteFlags): {
  readonly seed: number;
  readonly date: string;
  readonly treeCount?: number;
} {
  const date = new Date().toISOString().slice(0, 10);
  return { seed, date, ...(trees === undefined ? {} : { treeCount: trees }) };
}

async function conclude(
  { bytes, result }: Compared,
  { what, current }: PromoteFlags,
  printer: Printer,
): Promise<ExitCode> {
  const isFirst = typeof result === "string";
  if (isFirst) printer.say(`no model in use to compare with: ${result}`);
  else printer.out(verdictLine(what, result));
  if (!isFirst && !result.promotes) {
    printer.out(`kept ${current}: the new model is not better`);
    return 3;
  }
  try {
    const previous = await replaceFile(current, bytes);
    const kept = previous === null ? "" : `; the old model is ${previous}`;
    printer.out(`promoted: ${current} is the new model${kept}`);
    return 0;
  } catch (error) {
    printer.say(`${current}: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

function verdictLine(what: string, { cases, current, candidate, gain }: PromotionVerdict): string {
  const score = what === "length" ? "Kendall distance" : "Brier score";
  if (gain === null) return `${score}: the ${cases} newest cases hold nothing to compare`;
  return (
    `${score} on ${cases} newest cases: in use ${text(current)}, new ${text(candidate)}, ` +
    `gain ${text(gain.value)} [${text(gain.low)} ${text(gain.high)}]; ` +
    `asked for: ${PROMOTION_GAIN_MIN} and an interval above 0`
  );
}

function text(value: number | null): string {
  return value?.toFixed(4) ?? "-";
}

/** Null where there is no file yet; undefined, and said, where it cannot be read. */
async function currentOf(file: string, printer: Printer): Promise<Uint8Array | null | undefined> {
  try {
    return new Uint8Array(await readFile(file));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    printer.say(`${file}: ${error instanceof Error ? error.message : String(error)}`);
    return undefined;
  }
}

function tracedRuns(file: string, printer: Printer): readonly Run[] | null {
  const opened = openTraceReader(file);
  if (!opened.ok) {
    printer.say(opened.message);
    return null;
  }
  const { reader } = opened;
  try {
    return importTraces(reader.workflows(), reader.stages()).runs;
  } finally {
    reader.close();
  }
}

async function readTexts(flags: PromoteFlags, printer: Printer): Promise<RunTexts | null> {
  const tasks = await readAll(flags.tasks, readTasks, printer);
  const files = flags.templates === undefined ? [] : [flags.templates];
  const templates = await readAll(files, readTemplates, printer);
  return tasks === null || templates === null ? null : { tasks, templates };
}
