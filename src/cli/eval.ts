import { writeFile } from "node:fs/promises";
import { basename } from "node:path";
import { lengthFigure, routerFigure } from "../sim/evaluation-figure.ts";
import { lengthTables, routerTables } from "../sim/evaluation-table.ts";
import { drawFigure, type Figure } from "../sim/figure.ts";
import {
  evaluateLength,
  type LengthEvaluationOptions,
  type LengthSet,
} from "../sim/length-evaluation.ts";
import { lengthExamples, type RunTexts } from "../sim/length-examples.ts";
import type { RouterCase, RouterSet } from "../sim/router-baselines.ts";
import { evaluateRouter } from "../sim/router-evaluation.ts";
import { routerExamples } from "../sim/router-examples.ts";
import { readRuns, readTasks, readTemplates, type Run } from "../sim/run-file.ts";
import { readAll } from "./played-workload.ts";
import type { ExitCode, Printer } from "./printer.ts";

export interface EvalFlags extends Omit<LengthEvaluationOptions, "progress"> {
  readonly what: "length" | "router";
  /** Each file is a data set. */
  readonly runs: readonly string[];
  readonly tasks: readonly string[];
  readonly templates: string | undefined;
  /** Parts of the runs. */
  readonly train: readonly string[];
  readonly valid: readonly string[];
  readonly json: boolean;
  readonly figure: string | undefined;
}

interface RunFile {
  readonly name: string;
  readonly runs: readonly Run[];
}

/** `chimera eval`: how good predictions are on runs that were not learned from. */
export async function evaluatePredictions(flags: EvalFlags, printer: Printer): Promise<ExitCode> {
  const shared = flags.train.filter((part) => flags.valid.includes(part));
  if (shared.length > 0) {
    printer.say(`part ${shared.join(", ")} would be learned from and judged on`);
    return 2;
  }
  const files = await readFiles(flags.runs, printer);
  const tasks = await readAll(flags.tasks, readTasks, printer);
  const templateFiles = flags.templates === undefined ? [] : [flags.templates];
  const templates = await readAll(templateFiles, readTemplates, printer);
  if (files === null || tasks === null || templates === null) return 2;
  const texts = { tasks, templates };
  const options = { ...flags, progress: (what: string): void => printer.progress(what) };
  const result =
    flags.what === "length"
      ? lengthResult(lengthSets(files, texts, flags), options)
      : routerResult(routerSets(files, texts, flags), options);
  if (result === null) {
    printer.say("no set has runs both to learn from and to be judged on; see --train and --valid");
    return 2;
  }
  if (flags.json) printer.out(JSON.stringify(result.evaluation));
  else for (const line of result.lines()) printer.out(line);
  if (flags.figure !== undefined) await writeFile(flags.figure, await drawFigure(result.figure()));
  return 0;
}

async function readFiles(files: readonly string[], printer: Printer): Promise<RunFile[] | null> {
  const read: RunFile[] = [];
  for (const file of files) {
    const runs = await readAll([file], readRuns, printer);
    if (runs === null) return null;
    read.push({ name: basename(file).replace(/\.jsonl(\.gz)?$/, ""), runs });
  }
  return read;
}

interface Result {
  readonly evaluation: unknown;
  readonly lines: () => string[];
  readonly figure: () => Figure;
}

function lengthResult(sets: readonly LengthSet[], options: LengthEvaluationOptions): Result | null {
  if (sets.length === 0) return null;
  const evaluation = evaluateLength(sets, options);
  return {
    evaluation,
    lines: () => lengthTables(evaluation),
    figure: () => lengthFigure(evaluation),
  };
}

function routerResult(sets: readonly RouterSet[], options: LengthEvaluationOptions): Result | null {
  if (sets.length === 0) return null;
  const evaluation = evaluateRouter(sets, options);
  return {
    evaluation,
    lines: () => routerTables(evaluation),
    figure: () => routerFigure(evaluation),
  };
}

function lengthSets(files: readonly RunFile[], texts: RunTexts, flags: EvalFlags): LengthSet[] {
  return files
    .map(({ name, runs }) => ({
      name,
      train: lengthExamples(runs, texts, flags.train).examples,
      valid: lengthExamples(runs, texts, flags.valid).examples,
    }))
    .filter(({ train, valid }) => train.length > 0 && valid.length > 0);
}

function routerSets(files: readonly RunFile[], texts: RunTexts, flags: EvalFlags): RouterSet[] {
  return files
    .map(({ name, runs }) => {
      const casesOf = (parts: readonly string[]): RouterCase[] => {
        const own = runs.filter(({ part }) => parts.includes(part));
        return routerExamples(own, texts, null).map((example, index) => ({
          ...example,
          subset: own[index]?.subset ?? "",
        }));
      };
      return { name, train: casesOf(flags.train), valid: casesOf(flags.valid) };
    })
    .filter(({ train, valid }) => train.length > 0 && valid.length > 0);
}
