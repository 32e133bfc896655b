import { writeFile } from "node:fs/promises";
import { trainLength } from "../predict/length-training.ts";
import { loadLengthModel } from "../predict/length-model.ts";
import type { LengthRecipe } from "../predict/length-features.ts";
import { openLearned, type ServedFiles } from "../predict/open-learned.ts";
import { trainRouter } from "../predict/router-training.ts";
import { lastStageFacts, lengthExamples, type RunTexts } from "../sim/length-examples.ts";
import { routerExamples } from "../sim/router-examples.ts";
import {
  readRunRequests,
  readRuns,
  readTasks,
  readTemplates,
  type RunRequest,
} from "../sim/run-file.ts";
import { readFiles } from "./learned-files.ts";
import { readAll } from "./played-workload.ts";
import type { ExitCode, Printer } from "./printer.ts";

export type Learned = "length" | "router";

export interface LearnFlags {
  readonly what: Learned;
  readonly runs: readonly string[];
  readonly tasks: readonly string[];
  readonly templates: string | undefined;
  readonly out: string;
}

export interface TrainFlags extends LearnFlags {
  readonly recipe: LengthRecipe;
  readonly trees: number | undefined;
  readonly parts: readonly string[] | null;
  readonly seed: number;
}

export interface PredictFlags extends LearnFlags {
  readonly model: string;
}

/** `chimera train`: learns from recorded runs and writes one model file. */
export async function train(flags: TrainFlags, printer: Printer): Promise<ExitCode> {
  const runs = await readAll(flags.runs, readRuns, printer);
  const texts = await readTexts(flags, printer);
  if (runs === null || texts === null) return 2;
  const date = new Date().toISOString().slice(0, 10);
  const trees = flags.trees === undefined ? {} : { treeCount: flags.trees };
  const options = { seed: flags.seed, date, ...trees };
  let bytes: Uint8Array;
  if (flags.what === "length") {
    const { examples, runsWithoutLengths } = lengthExamples(runs, texts, flags.parts);
    if (examples.length === 0) return nothingToLearn(printer);
    if (runsWithoutLengths > 0) printer.say(`${runsWithoutLengths} runs have no lengths`);
    printer.say(`learning from ${examples.length} stages`);
    bytes = trainLength(examples, { recipe: flags.recipe, ...options });
  } else {
    const examples = routerExamples(runs, texts, flags.parts);
    if (examples.length === 0) return nothingToLearn(printer);
    printer.say(`learning from ${examples.length} outcomes`);
    bytes = trainRouter(examples, options);
  }
  await writeFile(flags.out, bytes);
  printer.out(`${flags.out}: ${(bytes.length / 1024).toFixed(0)} KiB`);
  return 0;
}

function nothingToLearn(printer: Printer): ExitCode {
  printer.say("the runs hold nothing to learn from; see --parts");
  return 2;
}

/** `chimera predict`: answers for runs that were cut before a stage, one JSON line each. */
export async function predict(flags: PredictFlags, printer: Printer): Promise<ExitCode> {
  const requests = await readAll(flags.runs, readRunRequests, printer);
  const texts = await readTexts(flags, printer);
  if (requests === null || texts === null) return 2;
  let files: ServedFiles;
  try {
    files = await readFiles({ [`${flags.what}Model`]: flags.model }, {});
  } catch (error) {
    printer.say(`${flags.model}: ${error instanceof Error ? error.message : String(error)}`);
    return 2;
  }
  const lines =
    files.length === null
      ? await routerLines(files.router, requests, texts)
      : lengthLines(files.length, requests, texts);
  if (typeof lines === "string") {
    printer.say(`${flags.model}: ${lines}`);
    return 1;
  }
  await writeFile(flags.out, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  printer.out(`${flags.out}: ${lines.length} answers`);
  return 0;
}

/** Answers in the order of the requests, or why the model was refused. */
function lengthLines(
  bytes: Uint8Array,
  requests: readonly RunRequest[],
  texts: RunTexts,
): unknown[] | string {
  const loaded = loadLengthModel(bytes);
  if (!loaded.ok) return loaded.fault.message;
  const length = loaded.value;
  const facts = lastStageFacts(
    requests.map(({ run }) => run),
    texts,
  );
  return requests.map(({ runId, run }, index) => {
    const of = facts[index];
    const model = run.stages.at(-1)?.model;
    if (of === undefined || model === undefined) throw new Error("a run has a last stage");
    const { median, quantiles } = length.predict(length.features(of), model);
    return { run_id: runId, p50: median, p10: quantiles[0], p90: quantiles.at(-1) };
  });
}

/** One answer for each run and model that is asked about, or why the model was refused. */
async function routerLines(
  source: ServedFiles["router"],
  requests: readonly RunRequest[],
  texts: RunTexts,
): Promise<unknown[] | string> {
  const result = await openLearned({ length: null, router: source, priors: {} });
  if (!result.ok) return result.message;
  const { models, encoder } = result.opened;
  const facts = lastStageFacts(
    requests.map(({ run }) => ({ ...run, stages: run.stages.slice(0, 1) })),
    texts,
  );
  const router = encoder === null ? models.router : await encoder.read(facts);
  await encoder?.close();
  if (router === null) throw new Error("a router was asked for");
  return requests.flatMap(({ runId, candidates }, index) => {
    const of = facts[index];
    if (of === undefined) throw new Error("a run has a first stage");
    return router
      .confidence(of, candidates)
      .map(({ model, confidence }) => ({ run_id: runId, model, p: confidence }));
  });
}

async function readTexts(flags: LearnFlags, printer: Printer): Promise<RunTexts | null> {
  const tasks = await readAll(flags.tasks, readTasks, printer);
  const files = flags.templates === undefined ? [] : [flags.templates];
  const templates = await readAll(files, readTemplates, printer);
  return tasks === null || templates === null ? null : { tasks, templates };
}
