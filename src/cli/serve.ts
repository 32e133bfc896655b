import type { Config } from "../config/config.ts";
import { type ConfigResult, loadConfig } from "../config/load.ts";
import type { ConfigFlags } from "../config/overrides.ts";
import { systemClock } from "../engine/clock.ts";
import { createGateway, type Gateway } from "../gateway/server.ts";
import { openTelemetry } from "../observe/telemetry-environment.ts";
import { ColdStart } from "../predict/cold-start.ts";
import { CorrectedEstimator, CorrectedPredictor } from "../predict/corrected.ts";
import { LearnedPredictor } from "../predict/learned-predictor.ts";
import type { ServedFiles } from "../predict/open-learned.ts";
import type { Estimator, Learner, Predictor } from "../predict/port.ts";
import { ResidualCorrection } from "../predict/residual-correction.ts";
import type { PredictionServiceCounts, SwapResult } from "../predict/service-limits.ts";
import { readConfig } from "./check.ts";
import { reloadConfig } from "./config-reload.ts";
import { readLearned } from "./learned-files.ts";
import { reloadModels } from "./model-reload.ts";
import type { ExitCode, Printer } from "./printer.ts";
import { untilSignal } from "./until-signal.ts";

export interface ServeFlags extends ConfigFlags {
  readonly config: string;
  readonly recordEvents: string | undefined;
}

/** `chimera serve`: the gateway in front of the engines of a config, until it is told to stop. */
export async function serve(flags: ServeFlags, printer: Printer): Promise<ExitCode> {
  const { config: file, recordEvents, ...overrides } = flags;
  const config = await readConfig(file, overrides, printer);
  if (config === null) return 2;
  const sources = { file, environment: process.env, flags: overrides };
  const origin = { file, read: () => loadConfig(sources) };
  const hooks = { recordEvents: recordEvents ?? null, origin, ready: () => undefined };
  return serveLearned(config, hooks, printer);
}

/** Serves a config by the model files that it names, which are taken in again when they change. */
export async function serveLearned(
  config: Config,
  hooks: ServeHooks,
  printer: Printer,
): Promise<ExitCode> {
  const { lengthModel, routerModel, budgetMs: _budgetMs, ...limits } = config.prediction;
  const paths = { lengthModel, routerModel };
  const priors = Object.fromEntries(config.engines.map((each) => [each.model, each.confidence]));
  const learned = await readLearned(paths, priors, printer);
  if (learned === null) return 2;
  if (learned.models === null) return serveConfig(config, hooks, printer);
  const base = new ColdStart({ confidence: priors });
  const predictor = new LearnedPredictor({
    files: learned.files,
    base,
    clock: systemClock,
    onProblem: (message) => printer.say(message),
    limits,
  });
  const predictorCounts = (): PredictionServiceCounts => predictor.counts();
  const correction = new ResidualCorrection();
  const swap = async (files: ServedFiles): Promise<SwapResult> => {
    const result = await predictor.swap(files);
    if (result.ok) correction.reset();
    return result;
  };
  const reload = await reloadModels({ paths, priors, predictor: { swap }, printer });
  const corrected = {
    learner: base,
    estimator: new CorrectedEstimator(base, correction),
    predictor: new CorrectedPredictor(predictor, correction),
  };
  try {
    return await serveConfig(config, { ...hooks, ...corrected, predictorCounts }, printer);
  } finally {
    reload.close();
    await predictor.close();
  }
}

export interface ServeHooks {
  readonly recordEvents: string | null;
  /** Where the config came from, to be read anew; nowhere unless given. */
  readonly origin?: { readonly file: string; readonly read: () => Promise<ConfigResult> };
  /** What answers at once, and what answers within the prediction budget; the gateway's own unless given. */
  readonly estimator?: Estimator;
  readonly learner?: Learner;
  readonly predictor?: Predictor;
  readonly predictorCounts?: () => PredictionServiceCounts;
  /** Called with the base of the API once it listens. */
  readonly ready: (url: string) => void;
}

/** Serves a config until a signal comes; running requests may end first. */
export async function serveConfig(
  config: Config,
  hooks: ServeHooks,
  printer: Printer,
): Promise<ExitCode> {
  let gateway: Gateway;
  let reload: { close(): void } | null = null;
  const { recordEvents, ready, origin, ...predicts } = hooks;
  const telemetry = await openTelemetry(process.env, systemClock, (line) => printer.say(line));
  try {
    const source = origin === undefined ? {} : { source: origin.read };
    const options = { config, recordEventsPath: recordEvents, telemetry, ...source, ...predicts };
    gateway = await createGateway(options);
    // Watched before anyone is told that it serves: who writes the file then is heard.
    reload = origin ? await reloadConfig(origin.file, () => gateway.reload(), printer) : null;
    const { url } = await gateway.listen();
    printer.out(`gateway at ${url}`);
    ready(url);
  } catch (error) {
    reload?.close();
    await telemetry?.close();
    printer.say(`cannot serve: ${reasonOf(error, config)}`);
    return 1;
  }
  await untilSignal();
  reload?.close();
  printer.say("stopping: running requests may end; a second Ctrl-C ends them");
  await gateway.close();
  return 0;
}

function reasonOf(error: unknown, config: Config): string {
  const code = error instanceof Error && "code" in error ? error.code : null;
  const { host, port } = config.listen;
  if (code === "EADDRINUSE") {
    return `port ${port} of ${host} is taken; give another with --port or \`listen\``;
  }
  if (code === "EACCES") return `no permission to listen on port ${port} of ${host}`;
  return error instanceof Error ? error.message : String(error);
}
