import { existsSync } from "node:fs";
import { appendFile, mkdir, readdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { readExperiment } from "../sim/experiment-file.ts";
import { checkLines, experimentPage, type Section } from "../sim/experiment-page.ts";
import { matchResults, readResults } from "../sim/experiment-results.ts";
import type { TrialResult } from "../sim/experiment-run.ts";
import type { Experiment } from "../sim/experiment.ts";
import { ExperimentLearning } from "../sim/experiment-learning.ts";
import { runExperiment } from "../sim/experiment-threads.ts";
import { filesOf } from "../sim/experiment-workload.ts";
import { drawFigure } from "../sim/figure.ts";
import { figuresOf } from "../sim/figure-spec.ts";
import { writeReport } from "./evaluation-report.ts";
import type { ExitCode, Printer } from "./printer.ts";

export interface EvaluateFlags {
  /** A part of the runs, in minutes. */
  readonly quick: boolean;
  /** Folder of experiment files. */
  readonly experiments: string;
  /** Names of the experiments to run; all when empty. */
  readonly only: readonly string[];
  /** Folder of recorded runs and arrivals. */
  readonly data: string;
  /** The page to write; figures go to `figures` beside it. None when some experiments are left out. */
  readonly page: string;
  /** JSON Lines, one a simulation. */
  readonly results: string | undefined;
  /** Files of such lines: the page is made of them, and nothing is run. */
  readonly from?: readonly string[];
  /** One HTML page with everything in it; none when undefined. */
  readonly report?: string | undefined;
  /** At least 1. */
  readonly threads: number;
}

/** The order of the page; experiments that are not named come last. */
const ORDER: readonly string[] = [
  "recorded",
  "zeroeval",
  "frontiers",
  "deployments",
  "baselines",
  "ablations",
  "targets",
  "prediction",
  "aging",
  "disturbances",
  "scale",
];

/** `chimera evaluate`: runs the experiments and writes the page with its tables and figures. */
export async function evaluate(flags: EvaluateFlags, printer: Printer): Promise<ExitCode> {
  const experiments = await readAll(flags, printer);
  if (experiments === null) return 2;
  const { from = [] } = flags;
  const known = await readKnown(from, printer);
  if (known === null) return 2;
  if (flags.results !== undefined) await startFile(flags.results);
  const learning = new ExperimentLearning(flags.data);
  const sections: Section[] = [];
  for (const experiment of experiments) {
    const section =
      from.length > 0
        ? knownSection(experiment, known, printer)
        : await runSection(experiment, { ...flags, learning }, printer);
    sections.push(section);
    // After each, so that a long run that is stopped has not been for nothing.
    if (flags.results !== undefined) await appendFile(flags.results, linesOf(section));
  }
  const page = experimentPage({ isQuick: flags.quick, sections });
  if (flags.only.length > 0) printer.out(page);
  else await writePage(page, sections, flags.page);
  if (flags.report !== undefined) {
    await writeReport(flags.report, sections, flags.data);
    printer.say(`report in ${flags.report}`);
  }
  for (const line of checkLines(sections)) printer.out(line);
  return 0;
}

async function readAll(
  { experiments: folder, only, quick }: EvaluateFlags,
  printer: Printer,
): Promise<Experiment[] | null> {
  const files = existsSync(folder) ? (await readdir(folder)).filter(isYaml).sort() : [];
  const read = await Promise.all(files.map((file) => readExperiment(join(folder, file), quick)));
  const problems = read.flatMap((each) => (each.ok ? [] : each.problems));
  const known = read.flatMap((each) => (each.ok ? [each.experiment] : []));
  const names = known.map((experiment) => experiment.name);
  for (const name of only.filter((each) => !names.includes(each))) {
    problems.push(`no experiment "${name}"; ${folder} has ${names.join(", ")}`);
  }
  if (files.length === 0) problems.push(`${folder} has no experiments (*.yaml)`);
  for (const problem of problems) printer.say(problem);
  if (problems.length > 0) return null;
  return known
    .filter(({ name }) => only.length === 0 || only.includes(name))
    .sort((a, b) => placeOf(a) - placeOf(b));
}

function isYaml(file: string): boolean {
  return file.endsWith(".yaml");
}

function placeOf({ name }: Experiment): number {
  const place = ORDER.indexOf(name);
  return place < 0 ? ORDER.length : place;
}

async function runSection(
  experiment: Experiment,
  { data, threads, learning }: EvaluateFlags & { readonly learning: ExperimentLearning },
  printer: Printer,
): Promise<Section> {
  const absent = filesOf(experiment).filter((file) => !existsSync(join(data, file)));
  if (absent.length > 0) {
    const skipped = `${absent.join(", ")} not found in the data folder`;
    printer.say(`${experiment.name} skipped: ${absent.join(", ")} not found in ${data}`);
    return { experiment, results: null, skipped, figures: [] };
  }
  const results = await runExperiment(experiment, {
    dataFolder: data,
    threads,
    learned: await learning.filesFor(experiment),
    progress: (done, total) => printer.progress(`${experiment.name}: ${done} of ${total} runs`),
  });
  printer.say(`${experiment.name}: ${results.length} runs`);
  return { experiment, results, skipped: null, figures: figuresOf(experiment, results) };
}

/** Results of earlier runs; says what is wrong and answers null when a line cannot be read. */
async function readKnown(
  files: readonly string[],
  printer: Printer,
): Promise<readonly TrialResult[] | null> {
  const read = await Promise.all(files.map(readResults));
  const problems = read.flatMap((lines) => lines.problems);
  for (const { file, line, message } of problems) printer.say(`${file}:${line}: ${message}`);
  return problems.length > 0 ? null : read.flatMap((lines) => lines.rows);
}

function knownSection(
  experiment: Experiment,
  known: readonly TrialResult[],
  printer: Printer,
): Section {
  const { results, missing } = matchResults(experiment, known);
  if (missing === 0) {
    return { experiment, results, skipped: null, figures: figuresOf(experiment, results) };
  }
  const skipped = `${missing} of its ${results.length + missing} runs are missing`;
  printer.say(`${experiment.name} skipped: ${skipped}`);
  return { experiment, results: null, skipped, figures: [] };
}

async function startFile(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, "");
}

function linesOf({ results }: Section): string {
  return (results ?? []).map((result) => `${JSON.stringify(result)}\n`).join("");
}

async function writePage(page: string, sections: readonly Section[], file: string): Promise<void> {
  const folder = join(dirname(file), "figures");
  await mkdir(folder, { recursive: true });
  await writeFile(file, page);
  for (const figure of sections.flatMap((section) => section.figures)) {
    await writeFile(join(folder, `${figure.name}.svg`), await drawFigure(figure));
  }
}
