import { join } from "node:path";
import type { ExperimentWorkload } from "./experiment-document.ts";
import type { JsonLines } from "./json-lines.ts";
import type { RunTexts } from "./length-examples.ts";
import { readRuns, readTasks, readTemplates, type Run } from "./run-file.ts";

/** Files of a recorded workload, in the data folder. */
export type RecordedFiles = NonNullable<ExperimentWorkload["recorded"]>;

export interface RecordedSource extends RunTexts {
  readonly runs: readonly Run[];
}

/** The recorded runs of a workload and their texts. Throws when a file cannot be read. */
export async function readRecorded(
  { runs, tasks, templates }: RecordedFiles,
  dataFolder: string,
): Promise<RecordedSource> {
  const at = (file: string): string => join(dataFolder, file);
  return {
    runs: rowsOf(await readRuns(at(runs))),
    tasks: rowsOf(await readTasks(at(tasks))),
    templates: templates === undefined ? [] : rowsOf(await readTemplates(at(templates))),
  };
}

function rowsOf<T>({ rows, problems }: JsonLines<T>): readonly T[] {
  const [first] = problems;
  if (first !== undefined) throw new Error(`${first.file}:${first.line}: ${first.message}`);
  return rows;
}
