import type { Config } from "../config/config.ts";
import type { ConfigResult } from "../config/load.ts";
import { type Clock, systemClock } from "../engine/clock.ts";
import { createLogger, type Logger } from "../observe/logs.ts";
import type { PredictorView } from "../observe/metrics.ts";
import type { TelemetryPort } from "../observe/telemetry-port.ts";
import type { Estimator, Learner, Predictor } from "../predict/port.ts";
import { openTraceStore, type TraceStore } from "../store/trace-store.ts";
import { readTlsFiles, type TlsFiles } from "./listener.ts";

export interface GatewayOptions {
  readonly config: Config;
  /** Answers at once; the cold-start estimator unless given. */
  readonly estimator?: Estimator;
  /** What learns online beneath the estimator; the gateway's own unless an estimator is given. */
  readonly learner?: Learner;
  /** Answers later, within the prediction budget; none unless given. Closed with the gateway. */
  readonly predictor?: Predictor | null;
  /** What the predictor's models did so far, for metrics. */
  readonly predictorCounts?: () => PredictorView;
  /** Traces requests; none unless given. Closed with the gateway. */
  readonly telemetry?: TelemetryPort | null;
  readonly logger?: Logger;
  readonly clock?: Clock;
  /** Reads the config anew, for `reload`. */
  readonly source?: () => Promise<ConfigResult>;
  /** File for every step of the core, to be replayed; none unless given. */
  readonly recordEventsPath?: string | null;
}

/** What a gateway needs that takes time to be had. */
export interface Surroundings {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly tls: TlsFiles | null;
  readonly traces: TraceStore | null;
  readonly telemetry: TelemetryPort | null;
}

/** Rejects with a sentence when a file of the config cannot be used. */
export async function openSurroundings(options: GatewayOptions): Promise<Surroundings> {
  const clock = options.clock ?? systemClock;
  const logger = options.logger ?? createLogger(options.config.log.level);
  const { telemetry = null } = options;
  const { path, prompts, rowsPendingMax, rowsMax } = options.config.store;
  const tls = await readTlsFiles(options.config.listen);
  if (path === null) return { clock, logger, tls, telemetry, traces: null };
  const opened = await openTraceStore({
    path,
    prompts,
    rowsPendingMax,
    rowsMax,
    clockZeroUnixMs: Date.now() - clock.nowMs(),
    onProblem: (message) => logger.error(message),
  });
  if (!opened.ok) throw new Error(opened.message);
  return { clock, logger, tls, telemetry, traces: opened.store };
}

/** Priors by model. */
export function confidenceOf(config: Config): Record<string, number> {
  return Object.fromEntries(config.engines.map(({ model, confidence }) => [model, confidence]));
}
