import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { generate, type GeneratorOptions } from "./generator.ts";

/** A workload as two JSON Lines texts. */
export interface SampleTexts {
  readonly runs: string;
  readonly tasks: string;
}

/** The workload shipped in `samples/`. */
export const SHIPPED_SAMPLE: GeneratorOptions = {
  problems: 120,
  domains: ["code", "math"],
  seed: 20260322,
};

export const SAMPLE_FILES = { runs: "runs.jsonl.gz", tasks: "tasks.jsonl.gz" } as const;

export function sampleTexts(options: GeneratorOptions): SampleTexts {
  const runs: string[] = [];
  const tasks: string[] = [];
  for (const problem of generate(options)) {
    tasks.push(JSON.stringify(problem.task));
    for (const run of problem.runs) runs.push(JSON.stringify(run));
  }
  return { runs: textOf(runs), tasks: textOf(tasks) };
}

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

/** Writes a generated workload into a folder, which is made when it is not there. Throws what the file system throws. */
export async function writeSample(folder: string, options: GeneratorOptions): Promise<void> {
  const { runs, tasks } = sampleTexts(options);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, SAMPLE_FILES.runs), gzipSync(runs, { level: 9 }));
  await writeFile(join(folder, SAMPLE_FILES.tasks), gzipSync(tasks, { level: 9 }));
}
