import {
  comparisonsOf,
  groupsOf,
  meanPointOf,
  pointOf,
  windowsOf,
  type Window,
} from "./experiment-comparison.ts";
import { equalScoreSpeed } from "./experiment-checks.ts";
import type { Experiment } from "./experiment.ts";
import type { PaperRow } from "./experiment-document.ts";
import type { TrialResult } from "./experiment-run.ts";
import { summaryOf, summaryOfRatios } from "./experiment-statistics.ts";
import {
  COMPARISON_TITLES,
  comparisonCells,
  markdownTable,
  pointsText,
  ratioText,
} from "./experiment-table.ts";
import { cornersOf, hypervolume, type FrontierPoint } from "./frontier.ts";

/** A table for each batch limit, rate and predictor: all policies against the baseline, over all workloads. */
export function comparisonTables(
  experiment: Experiment,
  results: readonly TrialResult[],
): string[] {
  const groups = groupsOf(windowsOf(results), titleOf);
  const { variants, baseline, workloads } = experiment;
  return [...groups].flatMap(([title, windows]) => {
    const isCalm = failedShare(windows, null) === 0;
    const rows = variants.map(({ label }) => [
      label,
      ...timeCells(windows, label),
      ...comparisonCells(comparisonsOf(windows, label, baseline)),
      ...(isCalm ? [] : [`${(100 * failedShare(windows, label)).toFixed(1)} %`]),
    ]);
    const kinds = workloads.length === 1 ? "" : `, ${workloads.length} workloads`;
    const table = markdownTable(
      ["policy", "ms/token", "score", ...COMPARISON_TITLES, ...(isCalm ? [] : ["not completed"])],
      rows,
    );
    return [`At ${title}${kinds}:`, "", ...table, "", ...workloadTable(experiment, windows)];
  });
}

function titleOf({ batchLimit, unit, rate, predictor }: Window): string {
  const speed = unit === "load" ? `load ${rate}` : `${rate} calls/s`;
  return `${speed}, batch limit ${batchLimit}, predictor ${predictor}`;
}

/** What `paper` and `auto` gain over the baseline on each workload; nothing where there is one workload. */
function workloadTable({ workloads, baseline }: Experiment, windows: readonly Window[]): string[] {
  const shown = ["paper", "auto"].filter(
    (policy) => policy !== baseline && windows[0]?.byPolicy.has(policy) === true,
  );
  if (workloads.length === 1 || shown.length === 0) return [];
  const rows = workloads.map(({ name }) => {
    const own = windows.filter((window) => window.workload === name);
    return [name, ...shown.flatMap((policy) => gainCells(own, policy, baseline))];
  });
  const titles = shown.flatMap((policy) => [`${policy}: speed`, "min-max", "score pp"]);
  return [...markdownTable(["workload", ...titles], rows), ""];
}

function gainCells(windows: readonly Window[], policy: string, reference: string): string[] {
  const comparisons = comparisonsOf(windows, policy, reference);
  const speed = summaryOfRatios(comparisons.map((each) => each.speed));
  const points = summaryOf(comparisons.map((each) => each.points));
  const spread = speed === null ? "-" : `${speed.least.toFixed(2)} to ${speed.most.toFixed(2)}`;
  return [ratioText(speed?.mean), spread, pointsText(points?.mean)];
}

/** Geometric mean of the time and mean of the score over windows. */
function timeCells(windows: readonly Window[], policy: string): string[] {
  const point = meanPointOf(windows.flatMap(({ byPolicy }) => byPolicy.get(policy) ?? []));
  return [point?.msPerToken.toFixed(1) ?? "-", point?.score.toFixed(3) ?? "-"];
}

/** Share of the workflows that did not complete, under one policy or (null) under all. */
function failedShare(windows: readonly Window[], policy: string | null): number {
  let workflows = 0;
  let completed = 0;
  for (const { byPolicy } of windows) {
    for (const [label, { report }] of byPolicy) {
      if (policy !== null && label !== policy) continue;
      workflows += report.workflows;
      completed += report.completed;
    }
  }
  return workflows === 0 ? 0 : 1 - completed / workflows;
}

/** The paper's numbers beside ours: Algorithm 1 and `auto` against each of its baselines. */
export function paperTable(experiment: Experiment, results: readonly TrialResult[]): string[] {
  const groups = groupsOf(
    windowsOf(results),
    ({ batchLimit, predictor }) => `batch limit ${batchLimit}, predictor ${predictor}`,
  );
  return [...groups].flatMap(([title, windows]) => [
    `The paper's rows, ${title}, means over all rates and windows:`,
    "",
    ...markdownTable(
      [
        "deployment",
        "against",
        "paper: speed",
        "score pp",
        "Algorithm 1 here: speed",
        "min-max",
        "score pp",
        "auto: speed",
        "min-max",
        "score pp",
        "direction of Algorithm 1",
      ],
      experiment.paper.map((row) => paperCells(row, windows)),
    ),
    "",
    ...dominanceLines(experiment, windows),
    "",
  ]);
}

function paperCells(row: PaperRow, windows: readonly Window[]): string[] {
  const own = windows.filter((window) => window.workload === row.workload);
  return [
    row.workload,
    row.against,
    ratioText(row.speed),
    pointsText(row.points),
    ...gainCells(own, "paper", row.against),
    ...gainCells(own, "auto", row.against),
    directionOf(row, own),
  ];
}

/** Whether Algorithm 1 gains here what it gains in the paper; gains of less than these count as none. */
function directionOf({ against }: PaperRow, windows: readonly Window[]): string {
  const comparisons = comparisonsOf(windows, "paper", against);
  const speed = summaryOfRatios(comparisons.map((each) => each.speed))?.mean;
  const points = summaryOf(comparisons.map((each) => each.points))?.mean;
  if (speed === undefined || points === undefined) return "not run";
  if (speed >= 1 && points >= 0) return "same";
  if (speed < 1 && points < 0) return "differs: slower and worse";
  return speed < 1 ? "differs: slower" : "differs: worse score";
}

function dominanceLines({ workloads }: Experiment, windows: readonly Window[]): string[] {
  const rows = workloads.map(({ name }) => {
    const own = windows.filter((window) => window.workload === name);
    return { name, cells: gainCells(own, "auto", "paper") };
  });
  return [
    "`auto` against Algorithm 1:",
    "",
    ...markdownTable(
      ["deployment", "speed", "min-max", "score pp"],
      rows.map(({ name, cells }) => [name, ...cells]),
    ),
  ];
}

/** Hypervolume of each sweep, and its speed at the scores of the policies that stand alone; nothing without sweeps. */
export function hypervolumeTable(
  { variants, baseline }: Experiment,
  results: readonly TrialResult[],
): string[] {
  const families = [...new Set(variants.flatMap(({ sweep }) => sweep?.family ?? []))];
  if (families.length === 0) return [];
  const groups = groupsOf(windowsOf(results), titleOf);
  return [...groups].flatMap(([title, windows]) => [
    `Frontiers at ${title}:`,
    "",
    ...markdownTable(
      ["swept", "hypervolume", "min-max", `speed at the score of ${baseline}`, "workloads reached"],
      families.map((family) => frontierCells(windows, family, baseline)),
    ),
    "",
  ]);
}

/** Where `auto` at its default is slower and less often right than another policy, by the means of windows. */
export function dominatedLines(results: readonly TrialResult[]): string[] {
  const groups = groupsOf(
    windowsOf(results),
    (window) => `${window.workload}, at ${titleOf(window)}`,
  );
  const found = [...groups].flatMap(([title, windows]) => {
    const means = (policy: string): FrontierPoint | null =>
      meanPointOf(windows.flatMap(({ byPolicy }) => byPolicy.get(policy) ?? []));
    const own = means("auto");
    const policies = [...(windows[0]?.byPolicy.keys() ?? [])];
    const better = policies.filter((policy) => {
      const other = means(policy);
      if (own === null || other === null) return false;
      return other.score > own.score && other.msPerToken < own.msPerToken;
    });
    return better.length === 0 ? [] : [`- ${title}: ${better.join(", ")}`];
  });
  if (found.length === 0) return ["No policy dominates `auto` at its default in any of these."];
  return [
    "`auto` at its default is dominated (slower and less often right, by the means of windows) in " +
      `${found.length} of ${groups.size}:`,
    "",
    ...found,
  ];
}

function frontierCells(windows: readonly Window[], family: string, rival: string): string[] {
  const volumes = windows.flatMap(({ byPolicy }) => {
    const results = [...byPolicy.values()];
    const corners = cornersOf(results.map(pointOf));
    const own = results.filter((result) => result.family === family);
    return corners === null ? [] : [hypervolume(own.map(pointOf), corners)];
  });
  const volume = summaryOf(volumes);
  const sets = [...groupsOf(windows, (window) => window.workload).values()];
  const speeds = sets.flatMap((set) => equalScoreSpeed(set, family, rival) ?? []);
  return [
    family,
    volume?.mean.toFixed(3) ?? "-",
    volume === null ? "-" : `${volume.least.toFixed(3)} to ${volume.most.toFixed(3)}`,
    ratioText(summaryOfRatios(speeds)?.mean),
    `${speeds.length} of ${sets.length}`,
  ];
}
