import type { StageLine } from "../../src/gateway/ui-workflow.ts";

type Times = Pick<StageLine, "arrivedMs" | "dispatchedMs" | "firstTokenMs" | "endedMs">;

/** A part of a stage's bar, in shares of the workflow's time. */
export interface Segment {
  readonly part: "wait" | "first" | "write";
  readonly from: number;
  readonly share: number;
}

/** From the first arrival to the last end; to now while a stage goes on. */
export function spanOf(stages: readonly Times[], nowMs: number): [fromMs: number, toMs: number] {
  let fromMs = nowMs;
  let toMs = Number.NEGATIVE_INFINITY;
  for (const { arrivedMs, endedMs } of stages) {
    fromMs = Math.min(fromMs, arrivedMs ?? nowMs);
    toMs = Math.max(toMs, endedMs ?? nowMs);
  }
  return [fromMs, Math.max(toMs, fromMs)];
}

/** What is not known yet goes on to the end of the span. */
export function segmentsOf(stage: Times, [fromMs, toMs]: readonly [number, number]): Segment[] {
  const { arrivedMs, dispatchedMs, firstTokenMs, endedMs } = stage;
  const lengthMs = Math.max(1, toMs - fromMs);
  const end = endedMs ?? toMs;
  const first = firstTokenMs ?? end;
  const dispatched = dispatchedMs ?? first;
  const marks = [
    ["wait", arrivedMs ?? end, dispatched],
    ["first", dispatched, first],
    ["write", first, end],
  ] as const;
  return marks
    .filter(([, start, stop]) => stop > start)
    .map(([part, start, stop]) => ({
      part,
      from: (start - fromMs) / lengthMs,
      share: (stop - start) / lengthMs,
    }));
}
