import type { EngineChanged } from "../core/event.ts";
import type { EngineSpec } from "../core/types.ts";
import type { EngineConfig } from "../config/config.ts";
import { engineSpecOf } from "../config/core-config.ts";
import { isForbiddenAddress } from "../config/forbidden-address.ts";
import { EngineClient } from "../engine/client.ts";
import type { Clock } from "../engine/clock.ts";
import type { EngineLimits } from "../engine/limits.ts";
import { EngineMonitor } from "../engine/monitor.ts";
import type { Untimed } from "./driver.ts";
import { EngineLink } from "./engine-link.ts";

export interface EnginesOptions {
  readonly engines: readonly EngineConfig[];
  readonly clock: Clock;
  /** Uniform in 0..1. */
  readonly random: () => number;
  /** What becomes known of an engine, for the core. */
  readonly changed: (event: Untimed<EngineChanged>) => void;
  /** Called before the core hears that an engine is dead. */
  readonly lost: (name: string) => void;
}

/** All engines of the configuration: the ways to them and their watches. */
export class Engines {
  readonly #options: EnginesOptions;
  readonly #links = new Map<string, EngineLink>();
  readonly #monitors = new Map<string, EngineMonitor>();
  /** What the core was last told. */
  readonly #specs = new Map<string, EngineSpec>();

  constructor(options: EnginesOptions) {
    this.#options = options;
    for (const engine of options.engines) this.#add(engine);
  }

  /** Begins to watch. Until an engine has answered once it takes nothing. */
  start(): void {
    for (const [engine, monitor] of this.#monitors) {
      this.#options.changed({ type: "engine-changed", engine, state: "dead" });
      monitor.start();
    }
  }

  link(name: string): EngineLink {
    const link = this.#links.get(name);
    if (link === undefined) throw new Error(`the core named an engine that is not there: ${name}`);
    return link;
  }

  /** Stops watching and ends every connection. */
  async destroy(): Promise<void> {
    for (const monitor of this.#monitors.values()) monitor.close();
    await Promise.all([...this.#links.values()].map((link) => link.client.destroy()));
  }

  #add(config: EngineConfig): void {
    const { clock, random, changed } = this.#options;
    const engine = config.name;
    const client = new EngineClient(
      config,
      clock,
      (address) => config.allowLinkLocal || !isForbiddenAddress(address),
    );
    const monitor = new EngineMonitor({
      client,
      clock,
      random,
      listener: {
        conditionChanged: (condition) => this.#conditionChanged(engine, condition !== "dead"),
        loadRead: ({ waiting, running }) => {
          if (this.#specs.get(engine)?.queuePlace !== "engine") return;
          changed({ type: "engine-changed", engine, load: { waiting, running } });
        },
        limitsFound: (limits) => this.#limitsFound(engine, limits),
      },
    });
    this.#monitors.set(engine, monitor);
    this.#specs.set(engine, engineSpecOf(config));
    this.#links.set(engine, this.#createLink(config, client, monitor));
  }

  #createLink(config: EngineConfig, client: EngineClient, monitor: EngineMonitor): EngineLink {
    return new EngineLink({
      client,
      clock: this.#options.clock,
      speed: config.speed,
      requestSucceeded: () => monitor.requestSucceeded(),
      requestFailed: (kind) => monitor.requestFailed(kind),
      speedChanged: (speed) => {
        const spec = this.#specs.get(config.name);
        if (spec !== undefined) this.#specs.set(config.name, { ...spec, speed });
        this.#options.changed({ type: "engine-changed", engine: config.name, speed });
      },
    });
  }

  #conditionChanged(engine: string, isAlive: boolean): void {
    if (!isAlive) this.#options.lost(engine);
    const state = isAlive ? "live" : "dead";
    this.#options.changed({ type: "engine-changed", engine, state });
  }

  /** An engine's own limits lower the configured ones, never raise them. */
  #limitsFound(engine: string, limits: EngineLimits): void {
    const known = this.#specs.get(engine);
    if (known === undefined) return;
    const maxSequences = Math.min(known.maxSequences, limits.sequences ?? Infinity);
    const kvTokens = Math.min(known.kvTokens, limits.kvTokens ?? Infinity);
    if (maxSequences === known.maxSequences && kvTokens === known.kvTokens) return;
    const spec = { ...known, maxSequences, kvTokens };
    this.#specs.set(engine, spec);
    this.#options.changed({ type: "engine-changed", engine, spec });
  }
}
