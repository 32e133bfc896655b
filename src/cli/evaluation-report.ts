import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { StageResult } from "../sim/simulation.ts";
import { ExperimentLearning } from "../sim/experiment-learning.ts";
import { checkLines, type Section } from "../sim/experiment-page.ts";
import { withOwnRules } from "../sim/experiment-policy.ts";
import { runTrial } from "../sim/experiment-run.ts";
import { comparisonTables, hypervolumeTable } from "../sim/experiment-view.ts";
import { ExperimentWorkloads } from "../sim/experiment-workload.ts";
import { trialsOf } from "../sim/experiment.ts";
import type { Figure } from "../sim/figure.ts";
import { reportPage, type ReportSection } from "../sim/report-page.ts";
import { runFigures } from "../sim/report-run.ts";
import { drawn } from "./run-report.ts";

/** The load at which one run is looked at. */
const LOAD = 0.95;
const POLICY = "auto";

/** Writes the experiments as one HTML page that needs nothing beside it, with a look into one run. */
export async function writeReport(
  file: string,
  sections: readonly Section[],
  dataFolder: string,
): Promise<void> {
  const claims = checkLines(sections);
  const parts: ReportSection[] = [];
  if (claims.length > 0) {
    parts.push({ title: "Claims", about: claims.join("\n\n"), figures: [], tables: [] });
  }
  const ran = sections.filter((section) => section.results !== null);
  const [first] = ran;
  if (first !== undefined) parts.push(await oneRun(first, dataFolder));
  for (const section of ran) parts.push(await sectionPart(section));
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, reportPage("Chimera: evaluation", parts));
}

async function sectionPart({ experiment, results, figures }: Section): Promise<ReportSection> {
  return {
    title: experiment.title,
    about: experiment.about,
    figures: await drawn(figures),
    tables: [
      ...comparisonTables(experiment, results ?? []),
      ...hypervolumeTable(experiment, results ?? []),
    ],
  };
}

/** The policy and the reference in the first window nearest to the load, stage by stage. */
async function oneRun({ experiment }: Section, dataFolder: string): Promise<ReportSection> {
  const trials = trialsOf(experiment);
  const nearest = trials.reduce((best, { rate }) => {
    return Math.abs(rate.value - LOAD) < Math.abs(best - LOAD) ? rate.value : best;
  }, Number.POSITIVE_INFINITY);
  const learned = await new ExperimentLearning(dataFolder).filesFor(experiment);
  const workloads = new ExperimentWorkloads(experiment, dataFolder, learned);
  const figures: Figure[] = [];
  let shown = "";
  for (const label of new Set([experiment.baseline, POLICY])) {
    const trial = trials.find(
      ({ variant, rate }) => variant.label === label && rate.value === nearest,
    );
    if (trial === undefined) continue;
    const stages: StageResult[] = [];
    const played = await workloads.play(trial);
    runTrial(experiment.name, await withOwnRules(trial), played, (stage) => stages.push(stage));
    figures.push(...runFigures({ label, batchLimit: trial.batchLimit, stages }));
    shown = `${trial.workload.name}, seed ${trial.seed}, batch limit ${trial.batchLimit}`;
  }
  const about =
    `One window of \`experiments/${experiment.name}.yaml\` (${shown}; rate ${nearest}), the reference ` +
    `${experiment.baseline} and \`${POLICY}\` with the same arrivals: how busy each engine is, who waits ` +
    "when, and whether somebody is left waiting.";
  return { title: "Inside one run", about, figures: await drawn(figures), tables: [] };
}
