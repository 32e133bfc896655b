import { mkdir } from "node:fs/promises";
import { SAMPLE_FILES, SHIPPED_SAMPLE, writeSample } from "../sim/sample.ts";
import type { ExitCode, Printer } from "./printer.ts";

export interface GenerateFlags {
  readonly out: string;
  readonly problems: number | undefined;
  readonly seed: number | undefined;
}

/** `chimera generate`: invented workflow runs, calibrated to the paper's statistics, in the run format. */
export async function generate(flags: GenerateFlags, printer: Printer): Promise<ExitCode> {
  const { out, problems = SHIPPED_SAMPLE.problems, seed = SHIPPED_SAMPLE.seed } = flags;
  await mkdir(out, { recursive: true });
  await writeSample(out, { ...SHIPPED_SAMPLE, problems, seed });
  for (const file of Object.values(SAMPLE_FILES)) printer.out(`${out}/${file}`);
  return 0;
}
