import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import { drawFigure, type DrawnFigure, type Figure } from "../sim/figure.ts";
import { reportPage } from "../sim/report-page.ts";
import { runFigures, type ObservedRun } from "../sim/report-run.ts";
import { comparisonTable, type PolicyReport } from "../sim/report.ts";

export interface RunReport {
  readonly about: string;
  readonly runs: readonly ObservedRun[];
  readonly reports: readonly PolicyReport[];
}

/** Writes simulated runs as one HTML page that needs nothing beside it: the table, and a look into each run. */
export async function writeRunReport(
  file: string,
  { about, runs, reports }: RunReport,
): Promise<void> {
  const table = `\`${comparisonTable(reports).join("`\n\n`")}\``;
  const sections = [{ title: "Policies", about: `${about}\n\n${table}`, figures: [], tables: [] }];
  const looks = await Promise.all(
    runs.map(async (run) => ({
      title: `Inside ${run.label}`,
      about: "How busy each engine is, who waits when, and whether somebody is left waiting.",
      figures: await drawn(runFigures(run)),
      tables: [],
    })),
  );
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, reportPage("Chimera: simulated runs", [...sections, ...looks]));
}

/** Figures as SVG, in their order. */
export function drawn(figures: readonly Figure[]): Promise<DrawnFigure[]> {
  return Promise.all(
    figures.map(async (figure) => {
      const { name, caption } = figure;
      return { name, caption, svg: await drawFigure(figure) };
    }),
  );
}
