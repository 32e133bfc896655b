import type Database from "libsql";

import { numberOf, openForReading } from "./database.ts";
import type { StageTrace, TableName, WorkflowTrace } from "./row.ts";
import { stageTraceOf, workflowTraceOf } from "./table.ts";

export type TraceReaderResult =
  | { readonly ok: true; readonly reader: TraceReader }
  | { readonly ok: false; readonly message: string };

/** Rows fetched at once, so that a long iteration holds no lock and little memory. */
const PAGE_ROWS = 1_000;

/** Opens a trace database to read, also while another process writes to it. */
export function openTraceReader(path: string): TraceReaderResult {
  const result = openForReading(path);
  if (result.ok) return { ok: true, reader: new TraceReader(result.database) };
  return { ok: false, message: `trace store ${path} ${result.message}` };
}

/** Reads what a store has written. Synchronous: not for the thread that serves requests. */
export class TraceReader {
  readonly #database: Database.Database;

  constructor(database: Database.Database) {
    this.#database = database;
  }

  counts(): Record<TableName, number> {
    return {
      stages: numberOf(this.#database, "SELECT count(*) AS value FROM stages"),
      workflows: numberOf(this.#database, "SELECT count(*) AS value FROM workflows"),
    };
  }

  /** The stages of a workflow in the order in which they ended; of all runs unless one is named. */
  stagesOf(workflowId: string, run: number | null = null): StageTrace[] {
    const sql = "SELECT * FROM stages WHERE workflow_id = ? AND run = coalesce(?, run) ORDER BY id";
    return this.#database.prepare(sql).all(workflowId, run).map(stageTraceOf);
  }

  /** The stages that one request made, in the order in which they ended; ids may come again. Reads the whole table. */
  stagesOfRequest(requestId: string): StageTrace[] {
    const sql = "SELECT * FROM stages WHERE request_id = ? ORDER BY id";
    return this.#database.prepare(sql).all(requestId).map(stageTraceOf);
  }

  /** The stages of workflows whose client calls them so, whatever key it has. Reads the whole table. */
  stagesOfClientWorkflow(shownId: string): StageTrace[] {
    const sql =
      "SELECT * FROM stages WHERE substr(workflow_id, instr(workflow_id, ':') + 1) = ? ORDER BY id";
    return this.#database.prepare(sql).all(shownId).map(stageTraceOf);
  }

  /** The workflows that ended last, newest first. */
  recentWorkflows(rowsMax: number): WorkflowTrace[] {
    const sql = "SELECT * FROM workflows ORDER BY id DESC LIMIT ?";
    return this.#database.prepare(sql).all(rowsMax).map(workflowTraceOf);
  }

  /** Every stage, oldest first: in the order in which they ended. */
  *stages(): Generator<StageTrace, void, undefined> {
    yield* this.#pages("stages", stageTraceOf);
  }

  /** Every finished workflow, oldest first. */
  *workflows(): Generator<WorkflowTrace, void, undefined> {
    yield* this.#pages("workflows", workflowTraceOf);
  }

  close(): void {
    if (this.#database.open) this.#database.close();
  }

  *#pages<Trace extends { readonly id: number }>(
    table: TableName,
    traceOf: (row: unknown) => Trace,
  ): Generator<Trace, void, undefined> {
    const page = this.#database.prepare(`SELECT * FROM ${table} WHERE id > ? ORDER BY id LIMIT ?`);
    for (let lastId = 0; ;) {
      const traces = page.all(lastId, PAGE_ROWS).map(traceOf);
      yield* traces;
      const last = traces.at(-1);
      if (last === undefined) return;
      lastId = last.id;
    }
  }
}
