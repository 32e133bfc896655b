import { createRandom, type Random } from "../core/random.ts";
import { textLines } from "./json-lines.ts";
import type { RecordedWorkflow } from "./recorded-workload.ts";
import type { PlayableWorkflow } from "./workload.ts";

/** Times of arrival of a recorded trace, seconds from its start, not falling. */
export type ArrivalTrace = readonly number[];

export type ArrivalResult =
  | { readonly ok: true; readonly trace: ArrivalTrace }
  | { readonly ok: false; readonly message: string };

/** Reads a CSV (gzipped when its name ends in `.gz`) whose first column is seconds, under a header line. */
export async function readArrivals(file: string): Promise<ArrivalResult> {
  const trace: number[] = [];
  let line = 0;
  try {
    for await (const text of textLines(file)) {
      line++;
      if (line === 1 || text.trim() === "") continue;
      const seconds = Number(text.split(",")[0]);
      if (!Number.isFinite(seconds)) return { ok: false, message: `${file}:${line}: no time` };
      trace.push(seconds);
    }
  } catch (error) {
    return {
      ok: false,
      message: `${file}: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
  if (trace.length < 2) return { ok: false, message: `${file}: fewer than two arrivals` };
  return { ok: true, trace: trace.sort((a, b) => a - b) };
}

/**
 * `count` arrival times in ms from 0: a window of the trace, wrapped around at its end, stretched so
 * that its mean rate is `perSecond`. The window's place is drawn from the seed.
 */
export function windowOf(
  trace: ArrivalTrace,
  count: number,
  perSecond: number,
  seed: number,
): number[] {
  const start = Math.floor(createRandom(seed).next() * trace.length);
  const first = trace[0] ?? 0;
  const last = trace.at(-1) ?? 0;
  const lap = last - first + (last - first) / Math.max(1, trace.length - 1);
  const origin = trace[start] ?? 0;
  const seconds = Array.from({ length: count }, (_, index) => {
    const at = start + index;
    return (trace[at % trace.length] ?? 0) + lap * Math.floor(at / trace.length) - origin;
  });
  const span = seconds.at(-1) ?? 0;
  const stretch = span > 0 ? (count - 1) / perSecond / span : 0;
  return seconds.map((second) => second * stretch * 1000);
}

/** `count` arrival times in ms with exponential gaps. */
export function poissonArrivals(count: number, perSecond: number, seed: number): number[] {
  return [...poissonTimes(count, perSecond, seed)];
}

/** As `poissonArrivals`, each when it is asked for. */
export function* poissonTimes(count: number, perSecond: number, seed: number): Generator<number> {
  const random = createRandom(seed);
  let timeMs = 0;
  for (let arrived = 0; arrived < count; arrived++) {
    yield timeMs;
    timeMs += (-Math.log(1 - random.next()) / perSecond) * 1000;
  }
}

/** Gives each arrival a workflow drawn with replacement: all once, in shuffled order, then all again. */
export function populate(
  workflows: readonly RecordedWorkflow[],
  arrivalsMs: readonly number[],
  seed: number,
): PlayableWorkflow[] {
  return [...populated(workflows, arrivalsMs, seed)];
}

/** As `populate`, each when it is asked for: for workloads that need not fit in memory. */
export function* populated(
  workflows: readonly RecordedWorkflow[],
  arrivalsMs: Iterable<number>,
  seed: number,
): Generator<PlayableWorkflow> {
  const random = createRandom(seed);
  let deck: RecordedWorkflow[] = [];
  let index = 0;
  for (const arrivalMs of arrivalsMs) {
    if (deck.length === 0) deck = shuffled(workflows, random);
    const workflow = deck.pop();
    if (workflow === undefined) throw new Error("a workload needs a workflow");
    // Field by field: a spread is several times as slow, and a long run draws one for every workflow.
    const { taskId, kind, confidence, system, user, courses } = workflow;
    const id = `w${index++}`;
    yield { id, taskId, kind, arrivalMs, confidence, system, user, courses };
  }
}

function shuffled<T>(values: readonly T[], random: Random): T[] {
  const deck = [...values];
  for (let left = deck.length; left > 1; left--) {
    const at = Math.floor(random.next() * left);
    const moved = deck[at];
    const other = deck[left - 1];
    if (moved === undefined || other === undefined) break;
    deck[at] = other;
    deck[left - 1] = moved;
  }
  return deck;
}
