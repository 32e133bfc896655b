import { stat } from "node:fs/promises";
import { join } from "node:path";
import { MANIFEST_FILE } from "../predict/encoder-manifest.ts";
import type { LearnedPredictor } from "../predict/learned-predictor.ts";
import type { RouterPriors } from "../predict/router-model.ts";
import { readFiles, type LearnedFlags } from "./learned-files.ts";
import { FileWatch } from "./file-watch.ts";
import type { Printer } from "./printer.ts";

export interface ModelReloadOptions {
  readonly paths: LearnedFlags;
  readonly priors: RouterPriors;
  readonly predictor: Pick<LearnedPredictor, "swap">;
  readonly printer: Printer;
}

/**
 * Takes model files in again when they change and at SIGHUP, until it is closed. A file that cannot be
 * read, or that no model is made of, is reported, and the models in use stay.
 */
export async function reloadModels(options: ModelReloadOptions): Promise<{ close(): void }> {
  const { paths, printer } = options;
  const files = await Promise.all(
    [paths.lengthModel, paths.routerModel].filter((path) => typeof path === "string").map(fileOf),
  );
  let reload = Promise.resolve();
  let isAsked = false;
  const ask = (): void => {
    // One that waits will see what is there when its turn comes.
    if (isAsked) return;
    isAsked = true;
    reload = reload.then(() => {
      isAsked = false;
      return takeIn(options);
    });
  };
  let watched: FileWatch | null = null;
  try {
    watched = await FileWatch.start(files, ask);
  } catch (error) {
    printer.say(`model files are not watched, SIGHUP takes them in: ${reasonOf(error)}`);
  }
  process.on("SIGHUP", ask);
  return {
    close: () => {
      process.off("SIGHUP", ask);
      watched?.close();
    },
  };
}

/** What changes with a model: the file itself, or the manifest of a folder, which is written last. */
async function fileOf(path: string): Promise<string> {
  const isFolder = await stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
  return isFolder ? join(path, MANIFEST_FILE) : path;
}

async function takeIn({ paths, priors, predictor, printer }: ModelReloadOptions): Promise<void> {
  try {
    const result = await predictor.swap(await readFiles(paths, priors));
    if (result.ok) printer.say("model files taken in");
    else printer.say(`model files refused, the models in use stay: ${result.message}`);
  } catch (error) {
    printer.say(`model files cannot be read, the models in use stay: ${reasonOf(error)}`);
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
