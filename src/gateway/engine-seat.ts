import { isDeepStrictEqual } from "node:util";
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

export interface EngineSeatOptions {
  readonly clock: Clock;
  /** Uniform in 0..1. */
  readonly random: () => number;
  /** It came to life, or died. */
  readonly conditionChanged: () => void;
  /** What else becomes known of it, for the core. */
  readonly changed: (event: Untimed<EngineChanged>) => void;
}

/** One engine: the way to it, its watch, and what the core was last told of it. */
export class EngineSeat {
  readonly #options: EngineSeatOptions;
  readonly #monitor: EngineMonitor;
  /** The last one is in use; the others end with what they carry. */
  readonly #clients: Set<EngineClient>;
  #config: EngineConfig;
  #spec: EngineSpec;
  #link: EngineLink;
  #found: EngineLimits | null = null;

  constructor(config: EngineConfig, options: EngineSeatOptions) {
    const { clock, random, conditionChanged, changed } = options;
    this.#options = options;
    this.#config = config;
    this.#spec = engineSpecOf(config);
    const client = clientOf(config, clock);
    this.#clients = new Set([client]);
    this.#monitor = new EngineMonitor({
      client,
      clock,
      random,
      listener: {
        conditionChanged,
        loadRead: ({ waiting, running }) => {
          if (this.#spec.queuePlace !== "engine") return;
          changed({ type: "engine-changed", engine: config.name, load: { waiting, running } });
        },
        limitsFound: (limits) => {
          this.#found = limits;
          this.#tellSpec(withLimits(this.#spec, limits));
        },
      },
    });
    this.#link = this.#createLink(client);
  }

  get config(): EngineConfig {
    return this.#config;
  }

  get spec(): EngineSpec {
    return this.#spec;
  }

  get link(): EngineLink {
    return this.#link;
  }

  get isAlive(): boolean {
    return this.#monitor.condition !== "dead";
  }

  start(): void {
    this.#monitor.start();
  }

  /** The same server by other means or with other limits. What runs there ends as it began. */
  configure(config: EngineConfig): void {
    const before = this.#config;
    this.#config = config;
    const declared = engineSpecOf(config);
    // What was measured is better than what was written, unless that was written anew.
    const isSame = isDeepStrictEqual(before.speed, config.speed);
    const spec = isSame ? { ...declared, speed: this.#spec.speed } : declared;
    const client = clientOf(config, this.#options.clock);
    this.#monitor.useClient(client);
    for (const old of this.#clients) void old.close().then(() => this.#clients.delete(old));
    this.#clients.add(client);
    this.#link = this.#createLink(client, spec);
    this.#tellSpec(this.#found === null ? spec : withLimits(spec, this.#found));
  }

  /** Stops watching and ends every connection. */
  async destroy(): Promise<void> {
    this.#monitor.close();
    await Promise.all(Array.from(this.#clients, (client) => client.destroy()));
  }

  #createLink(client: EngineClient, { speed } = this.#spec): EngineLink {
    return new EngineLink({
      client,
      clock: this.#options.clock,
      speed,
      requestSucceeded: () => this.#monitor.requestSucceeded(),
      requestFailed: (kind) => this.#monitor.requestFailed(kind),
      speedChanged: (measured) => {
        this.#spec = { ...this.#spec, speed: measured };
        const { name } = this.#config;
        this.#options.changed({ type: "engine-changed", engine: name, speed: measured });
      },
    });
  }

  #tellSpec(spec: EngineSpec): void {
    if (isDeepStrictEqual(spec, this.#spec)) return;
    this.#spec = spec;
    this.#options.changed({ type: "engine-changed", engine: this.#config.name, spec });
  }
}

/** Whether what runs at one may be said to run at the other. */
export function isSameServer(one: EngineConfig, other: EngineConfig): boolean {
  return one.url === other.url && one.model === other.model && one.kind === other.kind;
}

/** An engine's own limits lower the configured ones, never raise them. */
function withLimits(spec: EngineSpec, limits: EngineLimits): EngineSpec {
  return {
    ...spec,
    maxSequences: Math.min(spec.maxSequences, limits.sequences ?? Infinity),
    kvTokens: Math.min(spec.kvTokens, limits.kvTokens ?? Infinity),
  };
}

function clientOf(config: EngineConfig, clock: Clock): EngineClient {
  return new EngineClient(
    config,
    clock,
    (address) => config.allowLinkLocal || !isForbiddenAddress(address),
  );
}
