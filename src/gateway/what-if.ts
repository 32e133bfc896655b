import type { Candidate, Decision, Rule } from "../core/types.ts";
import type { View } from "../core/view.ts";
import { expectedMs, type Fixed, type PaperLoad, redecide, type WhatIf } from "../core/what-if.ts";
import type { RequestTrace } from "./decision-ring.ts";

/** One request's decision, as it was and as it would have been. Times in ms, null where not weighed. */
export interface WhatIfRow {
  readonly requestId: string;
  readonly workflowId: string;
  readonly before: Served;
  readonly after: Served;
}

interface Served {
  readonly engine: string;
  readonly model: string;
  readonly rule: Rule;
  readonly confidence: number;
  readonly expectedMs: number | null;
}

/** Answer to `POST /v1/chimera/what-if`. */
export interface WhatIfAnswer {
  /** Decided again, each alone: with the load that it saw. */
  readonly redecided: number;
  readonly changed: number;
  /** Decisions that stand whatever the knobs are, by the reason. */
  readonly fixed: Readonly<Record<Fixed, number>>;
  readonly models: readonly {
    readonly model: string;
    readonly before: number;
    readonly after: number;
  }[];
  /** Means over what was decided again; null over nothing. */
  readonly confidence: BeforeAfter;
  readonly expectedMs: BeforeAfter;
  /** Those that would have changed, the newest first; the one that was asked for in any case. */
  readonly rows: readonly WhatIfRow[];
  /** Of the one request that was asked for, as the rule would have marked them; else null. */
  readonly candidates: readonly Candidate[] | null;
}

interface BeforeAfter {
  readonly before: number | null;
  readonly after: number | null;
}

export interface WhatIfQuestion {
  readonly whatIf: WhatIf;
  /** One decision; null: all that are remembered. */
  readonly requestId: string | null;
}

const ROWS_MAX = 50;

/** Decides the traces' decisions again, each with the load that it saw. O(traces x candidates). */
export function answerWhatIf(
  { whatIf, requestId }: WhatIfQuestion,
  traces: readonly RequestTrace[],
  view: View,
): WhatIfAnswer {
  const engines = new Map(view.engines.map((engine) => [engine.name, engine]));
  const load: PaperLoad = {
    ownWork: view.policy.ownWork,
    profileOf: (name) => engines.get(name),
  };
  const fixed: Record<Fixed, number> = { "one-candidate": 0, "late-choice": 0, "no-numbers": 0 };
  const rows: WhatIfRow[] = [];
  let candidates: readonly Candidate[] | null = null;
  for (const { decision, shownWorkflowId } of traces) {
    if (decision === null) continue;
    const again = redecide(decision, whatIf, load);
    if (typeof again === "string") {
      fixed[again]++;
      continue;
    }
    if (decision.requestId === requestId) ({ candidates } = again);
    rows.push({
      requestId: decision.requestId,
      workflowId: shownWorkflowId,
      before: served(decision, decision),
      after: served(decision, { ...again.best, rule: again.rule }),
    });
  }
  const changed = rows.filter(({ before, after }) => before.engine !== after.engine);
  return {
    redecided: rows.length,
    changed: changed.length,
    fixed,
    models: modelCounts(rows),
    confidence: meansOf(rows, (each) => each.confidence),
    expectedMs: meansOf(rows, (each) => each.expectedMs),
    rows: (requestId === null ? changed : rows).slice(0, ROWS_MAX),
    candidates,
  };
}

function served(
  decision: Decision,
  { engine, model, confidence, rule }: Omit<Served, "expectedMs">,
): Served {
  return { engine, model, rule, confidence, expectedMs: expectedMs(decision, engine) };
}

function modelCounts(rows: readonly WhatIfRow[]): WhatIfAnswer["models"] {
  const counts = new Map<string, { before: number; after: number }>();
  const countOf = (model: string): { before: number; after: number } => {
    const known = counts.get(model) ?? { before: 0, after: 0 };
    counts.set(model, known);
    return known;
  };
  for (const { before, after } of rows) {
    countOf(before.model).before++;
    countOf(after.model).after++;
  }
  return [...counts]
    .map(([model, count]) => ({ model, ...count }))
    .toSorted((a, b) => (a.model < b.model ? -1 : 1));
}

/** Over the rows in which both are known, so that before and after are of the same requests. */
function meansOf(
  rows: readonly WhatIfRow[],
  valueOf: (served: Served) => number | null,
): BeforeAfter {
  let count = 0;
  let before = 0;
  let after = 0;
  for (const row of rows) {
    const [was, wouldBe] = [valueOf(row.before), valueOf(row.after)];
    if (was === null || wouldBe === null) continue;
    count++;
    before += was;
    after += wouldBe;
  }
  return count === 0
    ? { before: null, after: null }
    : { before: before / count, after: after / count };
}
