import { type ConfigChange, configChange } from "../config/change.ts";
import type { Config } from "../config/config.ts";
import type { ConfigResult } from "../config/load.ts";
import { formatProblem } from "../config/problem.ts";
import type { Logger } from "../observe/logs.ts";

/** What became of another config. Nothing has changed where it is refused. */
export type ReloadResult =
  | ({ readonly ok: true } & Pick<ConfigChange, "changed" | "kept">)
  | { readonly ok: false; readonly problems: readonly string[] };

export interface ConfigInForceOptions {
  readonly config: Config;
  readonly logger: Logger;
  /** Reads the config anew; null where it came from no place that can be read again. */
  readonly source: (() => Promise<ConfigResult>) | null;
  /** Puts another config in force, at once and whole. */
  readonly apply: (config: Config, before: Config) => void;
}

/** The config by which the gateway runs, and the ways to change it. */
export class ConfigInForce {
  readonly #options: ConfigInForceOptions;
  #config: Config;
  /** Reloads come one after the other, so that the last one asked for is the last one read. */
  #reloading: Promise<unknown> = Promise.resolve();

  constructor(options: ConfigInForceOptions) {
    this.#options = options;
    this.#config = options.config;
  }

  get config(): Config {
    return this.#config;
  }

  /** Reads the source and puts in force what can be. Never rejects for what the source holds. */
  reload(): Promise<ReloadResult> {
    const reloaded = this.#reloading.then(() => this.#reload());
    this.#reloading = reloaded.catch(() => {});
    return reloaded;
  }

  /** Puts in force what can be of a config that has passed every check. */
  replace(next: Config): ReloadResult & { readonly ok: true } {
    const before = this.#config;
    const { config, changed, kept } = configChange(before, next);
    const { logger, apply } = this.#options;
    if (changed.length > 0) {
      this.#config = config;
      apply(config, before);
    }
    logger.info({ changed }, changed.length > 0 ? "config changed" : "config is the same");
    if (kept.length > 0) logger.warn({ kept }, "config keys that need a restart keep their values");
    return { ok: true, changed, kept };
  }

  async #reload(): Promise<ReloadResult> {
    const { source, logger } = this.#options;
    if (source === null) return refused(["the config was not read from a file"]);
    const read = await source();
    if (read.ok) return this.replace(read.config);
    const result = refused(read.problems.map(formatProblem));
    logger.error({ problems: result.problems }, "config refused, the one in force stays");
    return result;
  }
}

function refused(problems: readonly string[]): ReloadResult & { readonly ok: false } {
  return { ok: false, problems };
}
