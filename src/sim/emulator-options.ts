import type { EngineModelSpec } from "./engine-model.ts";
import { parseFaultSetting, type FaultSetting } from "./emulator-faults.ts";
import type { PlaybackLookup } from "./emulator-playback.ts";

/** One emulated engine: what it is, what it serves and how it fails. */
export interface EmulatorOptions extends EngineModelSpec {
  readonly name: string;
  /** The only model it serves. */
  readonly model: string;
  /** Longest prompt with its answer, tokens. */
  readonly maxModelLen: number;
  /** Virtual ms of the engine model per real ms; above 0. */
  readonly speedup: number;
  /** Requests that may wait in the engine; the next one is refused with 503. At least 1. */
  readonly queueRequestsMax: number;
  /** priority: the body's `priority` orders the queue, lower is sooner; fcfs: it is ignored. */
  readonly order: "fcfs" | "priority";
  /** Of the generated lengths and texts, and of which requests fail. */
  readonly seed: number;
  /** 127.0.0.1 by default. */
  readonly host?: string;
  /** Any free port by default. */
  readonly port?: number;
  /** None by default. */
  readonly faults?: Partial<FaultSetting>;
  /** Recorded answers of this engine's model; without them texts are generated. */
  readonly playback?: PlaybackLookup;
}

type Bound = readonly [name: keyof EmulatorOptions, least: number];

const WHOLE: readonly Bound[] = [
  ["maxSequences", 1],
  ["kvTokens", 1],
  ["chunkTokens", 1],
  ["maxModelLen", 2],
  ["queueRequestsMax", 1],
];

const DURATIONS: readonly Bound[] = [
  ["perSequenceMs", 0],
  ["perKvTokenMs", 0],
  ["perPromptTokenMs", 0],
];

/** What is wrong with the options, one line each. */
export function optionProblems(options: EmulatorOptions): string[] {
  const problems: string[] = [];
  for (const [name, least] of WHOLE) {
    if (Number.isSafeInteger(options[name]) && Number(options[name]) >= least) continue;
    problems.push(`${name} must be a whole number of at least ${least}`);
  }
  for (const [name] of DURATIONS) {
    if (Number.isFinite(options[name]) && Number(options[name]) >= 0) continue;
    problems.push(`${name} must not be negative`);
  }
  // An iteration that takes no time would never let the clock go on.
  for (const name of ["baseMs", "speedup"] as const) {
    if (!Number.isFinite(options[name]) || options[name] <= 0)
      problems.push(`${name} must be above 0`);
  }
  // The decoding requests alone must leave room in an iteration, or prompts starve.
  if (options.chunkTokens <= options.maxSequences) {
    problems.push("chunkTokens must be above maxSequences");
  }
  const faults = parseFaultSetting(JSON.stringify(options.faults ?? {}));
  if (typeof faults === "string") problems.push(`faults: ${faults}`);
  return problems;
}
