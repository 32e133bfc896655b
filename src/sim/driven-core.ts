import type { Command } from "../core/command.ts";
import type { Event } from "../core/event.ts";
import { nextWakeMs, step } from "../core/scheduler.ts";
import type { State } from "../core/state.ts";

/** What a simulation drives: one core, or what stands for several. */
export interface DrivenCore {
  step(event: Event): readonly Command[];
  /** When `time-passed` must come at the latest, ms; Infinity when nothing is due. */
  nextWakeMs(): number;
}

export function coreOf(state: State): DrivenCore {
  return { step: (event) => step(state, event), nextWakeMs: () => nextWakeMs(state) };
}
