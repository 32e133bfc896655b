import { isDeepStrictEqual } from "node:util";
import type { EngineChanged } from "../core/event.ts";
import type { EngineState } from "../core/types.ts";
import type { EngineConfig } from "../config/config.ts";
import type { Clock } from "../engine/clock.ts";
import type { Untimed } from "./driver.ts";
import type { EngineLink } from "./engine-link.ts";
import { EngineSeat, isSameServer } from "./engine-seat.ts";

export interface EnginesOptions {
  readonly engines: readonly EngineConfig[];
  readonly clock: Clock;
  /** Uniform in 0..1. */
  readonly random: () => number;
  /** What becomes known of an engine, for the core. */
  readonly changed: (event: Untimed<EngineChanged>) => void;
  /** Called before the core hears that an engine is dead. */
  readonly lost: (name: string) => void;
  /** Requests that the core has running there. */
  readonly running: (name: string) => number;
}

/**
 * live: takes work while it is well. held: takes none until it is resumed. leaving: takes none, and goes
 * when what it runs has ended, or when it dies.
 */
type Stay = "live" | "held" | "leaving";

interface Guest {
  readonly seat: EngineSeat;
  stay: Stay;
  /** What takes the name when it has gone. */
  successor: EngineConfig | null;
}

/** All engines of the configuration: the ways to them and their watches. They may come, change and go. */
export class Engines {
  readonly #options: EnginesOptions;
  readonly #guests = new Map<string, Guest>();
  #leaving = 0;
  #isStarted = false;
  #whenAlive: (() => void) | null = null;

  constructor(options: EnginesOptions) {
    this.#options = options;
    for (const engine of options.engines) this.#seat(engine);
  }

  /** Begins to watch. Until an engine has answered once it takes nothing. */
  start(): void {
    this.#isStarted = true;
    for (const [engine, { seat }] of this.#guests) {
      this.#options.changed({ type: "engine-changed", engine, state: "dead" });
      seat.start();
    }
  }

  /** Resolves when every engine is alive, or after so long. */
  whenAlive(waitMsMax: number): Promise<void> {
    if (this.#areAlive()) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#options.clock.setTimer(resolve, waitMsMax);
      this.#whenAlive = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  link(name: string): EngineLink {
    const guest = this.#guests.get(name);
    if (guest === undefined) throw new Error(`the core named an engine that is not there: ${name}`);
    return guest.seat.link;
  }

  /**
   * From now on these are the engines. One that is not among them takes no more work and goes when what
   * it runs has ended; so does one that is to be at another place, and comes back there under its name.
   * What else changes of an engine counts from its next request on.
   */
  configure(engines: readonly EngineConfig[]): void {
    const wanted = new Map(engines.map((engine) => [engine.name, engine]));
    for (const name of this.#guests.keys()) {
      if (!wanted.has(name)) this.#sendAway(name, null);
    }
    for (const engine of engines) {
      const guest = this.#guests.get(engine.name);
      if (guest === undefined) this.#join(engine);
      else if (isSameServer(guest.seat.config, engine)) this.#stay(guest, engine);
      else this.#sendAway(engine.name, engine);
    }
  }

  /** It takes no more work, and stays. False where it is not there, or on its way out. */
  hold(name: string): boolean {
    return this.#change(name, "held");
  }

  /** It takes work again. False where it is not there, or on its way out. */
  resume(name: string): boolean {
    return this.#change(name, "live");
  }

  /** Those that are to go and have nothing left to do go now. Cheap where none is to go. */
  settle(): void {
    if (this.#leaving === 0) return;
    for (const [name, { stay }] of this.#guests) {
      if (stay === "leaving" && this.#options.running(name) === 0) this.#remove(name);
    }
  }

  /** Stops watching and ends every connection. */
  async destroy(): Promise<void> {
    await Promise.all([...this.#guests.values()].map(({ seat }) => seat.destroy()));
  }

  #seat(config: EngineConfig): EngineSeat {
    const { clock, random, changed } = this.#options;
    const { name } = config;
    const seat = new EngineSeat(config, {
      clock,
      random,
      conditionChanged: () => this.#conditionChanged(name),
      changed,
    });
    this.#guests.set(name, { seat, stay: "live", successor: null });
    return seat;
  }

  #join(config: EngineConfig): void {
    const seat = this.#seat(config);
    const { name: engine } = config;
    this.#options.changed({ type: "engine-changed", engine, spec: seat.spec, state: "dead" });
    if (this.#isStarted) seat.start();
  }

  #stay(guest: Guest, config: EngineConfig): void {
    if (guest.stay === "leaving") {
      this.#leaving--;
      guest.stay = "live";
      guest.successor = null;
      this.#tell(config.name, guest);
    }
    if (!isDeepStrictEqual(guest.seat.config, config)) guest.seat.configure(config);
  }

  #change(name: string, stay: "live" | "held"): boolean {
    const guest = this.#guests.get(name);
    if (guest === undefined || guest.stay === "leaving") return false;
    guest.stay = stay;
    this.#tell(name, guest);
    return true;
  }

  #sendAway(name: string, successor: EngineConfig | null): void {
    const guest = this.#guests.get(name);
    if (guest === undefined) return;
    if (guest.stay !== "leaving") this.#leaving++;
    guest.stay = "leaving";
    guest.successor = successor;
    this.#tell(name, guest);
    this.settle();
  }

  #remove(name: string): void {
    const guest = this.#guests.get(name);
    if (guest === undefined) return;
    this.#leaving--;
    this.#guests.delete(name);
    this.#options.changed({ type: "engine-changed", engine: name, state: "removed" });
    void guest.seat.destroy();
    if (guest.successor !== null) this.#join(guest.successor);
  }

  #conditionChanged(name: string): void {
    const guest = this.#guests.get(name);
    if (guest === undefined) return;
    if (!guest.seat.isAlive) this.#options.lost(name);
    if (!guest.seat.isAlive && guest.stay === "leaving") this.#remove(name);
    else this.#tell(name, guest);
    if (this.#whenAlive !== null && this.#areAlive()) this.#whenAlive();
  }

  #areAlive(): boolean {
    return Array.from(this.#guests.values()).every(({ seat }) => seat.isAlive);
  }

  #tell(engine: string, { seat, stay }: Guest): void {
    const whenAlive: EngineState = stay === "live" ? "live" : "draining";
    const state = seat.isAlive ? whenAlive : "dead";
    this.#options.changed({ type: "engine-changed", engine, state });
  }
}
