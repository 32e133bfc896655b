import { waitMs } from "./price.ts";
import type { EngineBook, RequestBook, State } from "./state.ts";
import type { PriorityClass } from "./types.ts";

/** One request that waits on an engine's queue. Times in ms, lengths in tokens. */
export interface QueuedView {
  readonly engine: string;
  /** 1 is next in the order of everybody; keys with a weight take turns at it. */
  readonly position: number;
  readonly requestId: string;
  readonly workflowId: string;
  readonly class: PriorityClass;
  /** Passed over so often that it stands before its class. */
  readonly promoted: boolean;
  /** What the workflow is expected to write from here on. */
  readonly remainingTokens: number;
  readonly waitedMs: number;
  /** Expected until it starts. */
  readonly waitMs: number;
}

/**
 * The heads of the queues: the first `rowsPerEngineMax` of each engine, of the first `enginesMax` that
 * have any. O(rows + engines).
 */
export function queueView(
  state: State,
  rowsPerEngineMax: number,
  enginesMax: number,
): readonly QueuedView[] {
  const waiting = state.engines.filter((engine) => engine.queue.size > 0).slice(0, enginesMax);
  return waiting.flatMap((engine) => headOf(state, engine, rowsPerEngineMax));
}

function headOf(state: State, engine: EngineBook, rowsMax: number): QueuedView[] {
  const rows: QueuedView[] = [];
  let tokensBefore = 0;
  engine.queue.each(({ value, tokens, level }) => {
    rows.push({
      engine: engine.spec.name,
      position: rows.length + 1,
      ...seen(value),
      promoted: level < 0,
      remainingTokens: tokens,
      waitedMs: state.nowMs - (value.queuedMs ?? state.nowMs),
      waitMs: waitMs(state, engine, tokensBefore),
    });
    tokensBefore += tokens;
    return rows.length < rowsMax;
  });
  return rows;
}

function seen({ arrived }: RequestBook): Pick<QueuedView, "requestId" | "workflowId" | "class"> {
  return {
    requestId: arrived.requestId,
    workflowId: arrived.workflowId,
    class: arrived.class,
  };
}
