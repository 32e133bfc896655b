import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { isDeepStrictEqual } from "node:util";
import { step } from "../core/scheduler.ts";
import type { Event } from "../core/event.ts";
import { createState, type State } from "../core/state.ts";
import type { OwnRules, Policy } from "../core/types.ts";
import type { EventLogCut, EventLogHead, EventLogStep } from "./event-log.ts";

/** Where a replay left the recorded path. */
export interface ReplayDifference {
  /** Index of the step, from 0. */
  readonly step: number;
  readonly recorded: EventLogStep;
  readonly replayed: EventLogStep["commands"];
}

export interface ReplayResult {
  readonly steps: number;
  /** The log ends before the run did. */
  readonly cut: boolean;
  /** The first one; null: every command came out as recorded. */
  readonly difference: ReplayDifference | null;
}

/**
 * Feeds the events of a log into a fresh core and compares the commands. Rejects on a file that is no log.
 * A log holds no functions: one that was written under the policy of a file needs the rules of the same file.
 */
export async function replayEventLog(path: string, own?: OwnRules): Promise<ReplayResult> {
  let state: State | null = null;
  let steps = 0;
  for await (const line of createInterface({ input: createReadStream(path) })) {
    const entry: EventLogHead | EventLogStep | EventLogCut = JSON.parse(line);
    if ("cut" in entry) return { steps, cut: true, difference: null };
    if ("options" in entry) {
      state = createState({ ...entry.options, policy: withRules(entry.options.policy, own) });
      continue;
    }
    if (state === null) throw new TypeError("an event log begins with the core's options");
    // The log has been through JSON; so must be what it is compared with.
    const replayed = JSON.parse(JSON.stringify(step(state, eventWithRules(entry.event, own))));
    if (!isDeepStrictEqual(replayed, entry.commands)) {
      return { steps, cut: false, difference: { step: steps, recorded: entry, replayed } };
    }
    steps++;
  }
  return { steps, cut: false, difference: null };
}

function withRules(policy: Policy, own: OwnRules | undefined): Policy {
  if (policy.choice !== "own" && policy.order !== "own") return policy;
  if (own !== undefined) return { ...policy, own };
  const file = "file" in policy ? ` of ${String(policy.file)}` : "";
  throw new TypeError(`the log needs the rules${file}, the policy file that it was recorded under`);
}

function eventWithRules(event: Event, own: OwnRules | undefined): Event {
  if (event.type !== "settings-changed") return event;
  return { ...event, policy: withRules(event.policy, own) };
}
