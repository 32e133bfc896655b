import type { Config } from "../config/config.ts";
import { type ConfigResult, loadConfig } from "../config/load.ts";
import type { ConfigFlags } from "../config/overrides.ts";
import { systemClock } from "../engine/clock.ts";
import { createGateway, type Gateway } from "../gateway/server.ts";
import { openTelemetry } from "../observe/telemetry-environment.ts";
import type { Estimator, Learner, Predictor } from "../predict/port.ts";
import type { PredictionServiceCounts } from "../predict/service-limits.ts";
import { readConfig } from "./check.ts";
import { reloadConfig } from "./config-reload.ts";
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

/**
 * Serves a config by the model files that it names, which are taken in again when they change. What
 * learned models are made of is only loaded where there are any.
 */
export async function serveLearned(
  config: Config,
  hooks: ServeHooks,
  printer: Printer,
): Promise<ExitCode> {
  const { lengthModel, routerModel } = config.prediction;
  if (lengthModel === null && routerModel === null) return serveConfig(config, hooks, printer);
  const { withLearned } = await import("./serve-learned.ts");
  return withLearned(config, printer, (learned) =>
    serveConfig(config, { ...hooks, ...learned }, printer),
  );
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
