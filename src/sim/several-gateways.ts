import type { Command } from "../core/command.ts";
import type { Event } from "../core/event.ts";
import { nextWakeMs, step } from "../core/scheduler.ts";
import { createState, type SchedulerOptions, type State } from "../core/state.ts";
import type { EngineSpec } from "../core/types.ts";
import type { DrivenCore } from "./driven-core.ts";

/** What a gateway says of an engine: how much of it it uses. */
interface Use {
  readonly sequences: number;
  readonly kvTokens: number;
}

interface Notice {
  readonly dueMs: number;
  readonly gateway: number;
  readonly engine: number;
  readonly use: Use;
}

const NO_USE: Use = { sequences: 0, kvTokens: 0 };

/**
 * Several gateways over the same engines, each with a core, a queue and workflows of its own (in turn, for
 * good). Each hears `delayMs` later what the others run on an engine, and takes that off the engine's
 * room; what waits at the others it never learns. With late news engines get more than they can run at once and
 * queue it themselves, first come, first served. A gateway that runs nothing on an engine may always send one.
 */
export class SeveralGateways implements DrivenCore {
  readonly #states: readonly State[];
  readonly #engines: readonly EngineSpec[];
  readonly #delayMs: number;
  /** By workflow, and by request while it is unfinished. */
  readonly #ofWorkflow = new Map<string, number>();
  readonly #ofRequest = new Map<string, number>();
  /** By gateway and engine: what it said last, and what the others have heard. */
  readonly #said: Use[][];
  readonly #heard: Use[][];
  /** In the order in which they are due. */
  readonly #notices: Notice[] = [];
  #workflows = 0;

  constructor(options: SchedulerOptions, gateways: number, delayMs: number) {
    const places = Array.from({ length: gateways }, (_, index) => index);
    this.#states = places.map((index) => createState({ ...options, seed: options.seed + index }));
    this.#engines = options.engines;
    this.#delayMs = delayMs;
    this.#said = places.map(() => options.engines.map(() => NO_USE));
    this.#heard = places.map(() => options.engines.map(() => NO_USE));
  }

  nextWakeMs(): number {
    const dueMs = this.#notices[0]?.dueMs ?? Number.POSITIVE_INFINITY;
    return this.#states.reduce((wakeMs, state) => Math.min(wakeMs, nextWakeMs(state)), dueMs);
  }

  step(event: Event): readonly Command[] {
    const commands: Command[] = [];
    const gateway = this.#gatewayOf(event);
    for (const [index, state] of this.#states.entries()) {
      if (gateway !== null && gateway !== index) continue;
      commands.push(...step(state, event));
      this.#say(index, event.timeMs);
    }
    this.#hear(event.timeMs, commands);
    return commands;
  }

  /** Null: all of them. */
  #gatewayOf(event: Event): number | null {
    switch (event.type) {
      case "request-arrived": {
        let gateway = this.#ofWorkflow.get(event.workflowId);
        if (gateway === undefined) {
          gateway = this.#workflows++ % this.#states.length;
          this.#ofWorkflow.set(event.workflowId, gateway);
        }
        this.#ofRequest.set(event.requestId, gateway);
        return gateway;
      }
      case "request-ended":
        return this.#taken(this.#ofRequest, event.requestId);
      case "workflow-ended":
        return this.#taken(this.#ofWorkflow, event.workflowId);
      default:
        return null;
    }
  }

  #taken(map: Map<string, number>, id: string): number | null {
    const gateway = map.get(id) ?? null;
    map.delete(id);
    return gateway;
  }

  /** Sends off what has changed in a gateway's use of the engines. */
  #say(gateway: number, nowMs: number): void {
    for (const [engine, book] of this.#states[gateway]?.engines.entries() ?? []) {
      const said = this.#said[gateway]?.[engine];
      const use = { sequences: book.running.size, kvTokens: book.heldTokens };
      if (said?.sequences === use.sequences && said.kvTokens === use.kvTokens) continue;
      this.#said[gateway]?.splice(engine, 1, use);
      this.#notices.push({ dueMs: nowMs + this.#delayMs, gateway, engine, use });
    }
  }

  /** What has arrived by now changes the room that the others have, who may fill it at once. */
  #hear(nowMs: number, commands: Command[]): void {
    for (;;) {
      const notice = this.#notices[0];
      if (notice === undefined || notice.dueMs > nowMs) return;
      this.#notices.shift();
      this.#heard[notice.gateway]?.splice(notice.engine, 1, notice.use);
      for (const [index, state] of this.#states.entries()) {
        const spec = this.#engines[notice.engine];
        if (index === notice.gateway || spec === undefined) continue;
        const room = this.#roomOf(spec, notice.engine, index);
        commands.push(
          ...step(state, { type: "engine-changed", timeMs: nowMs, engine: spec.name, spec: room }),
        );
        this.#say(index, nowMs);
      }
    }
  }

  /** The engine without what the others use of it, as far as this gateway has heard. */
  #roomOf(spec: EngineSpec, engine: number, gateway: number): EngineSpec {
    let { maxSequences, kvTokens } = spec;
    for (const [index, uses] of this.#heard.entries()) {
      if (index === gateway) continue;
      maxSequences -= uses[engine]?.sequences ?? 0;
      kvTokens -= uses[engine]?.kvTokens ?? 0;
    }
    return { ...spec, maxSequences: Math.max(1, maxSequences), kvTokens: Math.max(1, kvTokens) };
  }
}
