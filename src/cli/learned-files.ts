import { readFile } from "node:fs/promises";
import { CorrectedEstimator } from "../predict/corrected.ts";
import {
  LearnedEstimator,
  loadLearned,
  type LearnedFiles,
  type LearnedModels,
} from "../predict/learned.ts";
import type { Estimator } from "../predict/port.ts";
import { ResidualCorrection } from "../predict/residual-correction.ts";
import type { RouterPriors } from "../predict/router-model.ts";
import type { Printer } from "./printer.ts";

/** Model files that a command is given. */
export interface LearnedFlags {
  readonly lengthModel?: string | null | undefined;
  readonly routerModel?: string | null | undefined;
}

/** What is in the files, and the models that they hold; null models where no file is given. */
export interface Learned {
  readonly files: LearnedFiles;
  readonly models: LearnedModels | null;
}

/** Reads and checks model files; says what is wrong with one and answers null then. */
export async function readLearned(
  flags: LearnedFlags,
  priors: Readonly<Record<string, number>>,
  printer: Printer,
): Promise<Learned | null> {
  let files: LearnedFiles;
  try {
    files = await readFiles(flags, priors);
  } catch (error) {
    printer.say(
      `cannot read a model file: ${error instanceof Error ? error.message : String(error)}`,
    );
    return null;
  }
  if (files.length === null && files.router === null) return { files, models: null };
  const loaded = loadLearned(files);
  if (loaded.ok) return { files, models: loaded.models };
  printer.say(loaded.message);
  return null;
}

/** What is in the files. Rejects where one cannot be read. */
export async function readFiles(
  { lengthModel = null, routerModel = null }: LearnedFlags,
  priors: RouterPriors,
): Promise<LearnedFiles> {
  return { length: await bytesOf(lengthModel), router: await bytesOf(routerModel), priors };
}

async function bytesOf(file: string | null): Promise<Uint8Array | null> {
  return file === null ? null : new Uint8Array(await readFile(file));
}

/** The estimator, with what was learned in front of it, corrected as runs end. */
export function withModels({ models }: Learned, base: Estimator): Estimator {
  if (models === null) return base;
  return new CorrectedEstimator(new LearnedEstimator(models, base), new ResidualCorrection());
}
