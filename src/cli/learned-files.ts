import { readFile, stat } from "node:fs/promises";
import { resolve } from "node:path";
import { CorrectedEstimator } from "../predict/corrected.ts";
import { LearnedEstimator, type LearnedModels } from "../predict/learned.ts";
import { openLearned, type EncoderPath, type ServedFiles } from "../predict/open-learned.ts";
import type { Estimator } from "../predict/port.ts";
import { ResidualCorrection } from "../predict/residual-correction.ts";
import type { RouterPriors } from "../predict/router-model.ts";
import type { Printer } from "./printer.ts";

/** Model files that a command is given. */
export interface LearnedFlags {
  readonly lengthModel?: string | null | undefined;
  readonly routerModel?: string | null | undefined;
}

/**
 * What is in the files, and the models that they hold; null models where no file is given. An encoder
 * is in the files only: it answers in a thread.
 */
export interface Learned {
  readonly files: ServedFiles;
  readonly models: LearnedModels | null;
}

/** Reads and checks model files; says what is wrong with one and answers null then. */
export async function readLearned(
  flags: LearnedFlags,
  priors: Readonly<Record<string, number>>,
  printer: Printer,
): Promise<Learned | null> {
  let files: ServedFiles;
  try {
    files = await readFiles(flags, priors);
  } catch (error) {
    printer.say(
      `cannot read a model file: ${error instanceof Error ? error.message : String(error)}`,
    );
    return null;
  }
  if (files.length === null && files.router === null) return { files, models: null };
  const result = await openLearned(files);
  if (!result.ok) {
    printer.say(result.message);
    return null;
  }
  const { models, encoder } = result.opened;
  await encoder?.close();
  return { files, models };
}

/** What is in the files. Rejects where one cannot be read. */
export async function readFiles(
  { lengthModel = null, routerModel = null }: LearnedFlags,
  priors: RouterPriors,
): Promise<ServedFiles> {
  return { length: await bytesOf(lengthModel), router: await routerOf(routerModel), priors };
}

/** A router is a file, or the folder of an encoder. */
async function routerOf(path: string | null): Promise<Uint8Array | EncoderPath | null> {
  if (path === null || !(await stat(path)).isDirectory()) return bytesOf(path);
  return { encoder: resolve(path) };
}

async function bytesOf(file: string | null): Promise<Uint8Array | null> {
  return file === null ? null : new Uint8Array(await readFile(file));
}

/** The estimator, with what was learned in front of it, corrected as runs end. */
export function withModels({ models }: Learned, base: Estimator): Estimator {
  if (models === null) return base;
  return new CorrectedEstimator(new LearnedEstimator(models, base), new ResidualCorrection());
}
