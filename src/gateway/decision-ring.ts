import type { StageRecord } from "../core/command.ts";
import type { Decision } from "../core/types.ts";
import { RecentMap } from "../predict/recent-map.ts";

/** What is remembered of one request, so that a user can see why it went where it went. */
export interface RequestTrace {
  readonly requestId: string;
  readonly workflowId: string;
  /** The workflow's name as the client knows it. */
  readonly shownWorkflowId: string;
  /** Only the key that made the request may read it. */
  readonly scope: string;
  /** The last one; null until the first dispatch. */
  decision: Decision | null;
  dispatchedMs: number | null;
  /** null while the request goes on. */
  record: StageRecord | null;
}

/** The newest requests' decisions, at most `requestsMax` of them. */
export class DecisionRing {
  /** By scope and id, in the order of arrival. */
  readonly #traces: RecentMap<RequestTrace>;
  /** Scores by workflow, scoped; as many as there may be requests. */
  readonly #scores: RecentMap<number>;

  constructor(requestsMax: number) {
    this.#traces = new RecentMap(requestsMax);
    this.#scores = new RecentMap(requestsMax);
  }

  /** The last word on how a workflow went counts. */
  noteScore(workflowId: string, score: number): void {
    this.#scores.set(workflowId, score);
  }

  /** 0..1; null while nobody said. */
  scoreOf(workflowId: string): number | null {
    return this.#scores.get(workflowId) ?? null;
  }

  add(trace: RequestTrace): void {
    this.#traces.set(keyOf(trace.requestId, trace.scope), trace);
  }

  /** Without a scope, the newest of that id. */
  find(requestId: string, scope: string | null): RequestTrace | undefined {
    if (scope === null) return this.recent(null).find((trace) => trace.requestId === requestId);
    return this.#traces.get(keyOf(requestId, scope));
  }

  /** All of a scope, or of every one; the newest first. */
  recent(scope: string | null): RequestTrace[] {
    const traces = this.#traces
      .entries()
      .map(([, trace]) => trace)
      .reverse();
    return scope === null ? traces : traces.filter((trace) => trace.scope === scope);
  }
}

function keyOf(requestId: string, scope: string): string {
  return `${scope} ${requestId}`;
}
