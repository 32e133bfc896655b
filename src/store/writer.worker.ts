/**
 * Entry of the writer's thread: it alone writes to the database. It acts on import, because that is
 * what a thread's entry is for.
 */
import { parentPort, workerData } from "node:worker_threads";

import type Database from "libsql";

import type { WriterAnswer, WriterOptions, WriterRequest } from "./batch-message.ts";
import { numberOf, openForWriting } from "./database.ts";
import { type SqlValue, TABLE_NAMES, type TableName, type TableRow } from "./row.ts";
import { insertSql } from "./table.ts";

/** Larger than any batch, so that a table over its limit shrinks. */
const ROWS_DELETED_MAX = 5_000;

/** Rows of one statement: what a call of the binding costs is shared among them. */
const ROWS_AT_ONCE = 10;

interface Inserts {
  readonly one: Database.Statement;
  readonly several: Database.Statement;
}

function insertsInto(database: Database.Database, table: TableName): Inserts {
  return {
    one: database.prepare(insertSql(table, 1)),
    several: database.prepare(insertSql(table, ROWS_AT_ONCE)),
  };
}

class Writer {
  readonly #database: Database.Database;
  readonly #rowsMax: number;
  readonly #run: number;
  readonly #inserts: Readonly<Record<TableName, Inserts>>;
  readonly #counts: Record<TableName, number>;

  constructor(database: Database.Database, options: WriterOptions) {
    this.#database = database;
    this.#rowsMax = options.rowsMax;
    const run = database.prepare("INSERT INTO runs (clock_zero_unix_ms) VALUES (?)");
    this.#run = Number(run.run(options.clockZeroUnixMs).lastInsertRowid);
    this.#inserts = {
      stages: insertsInto(database, "stages"),
      workflows: insertsInto(database, "workflows"),
    };
    this.#counts = { stages: this.#countOf("stages"), workflows: this.#countOf("workflows") };
  }

  /** All rows or none, and the oldest go where a table is over its limit; throws what the disk throws. */
  write(rows: readonly TableRow[]): void {
    const counts = { ...this.#counts };
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      for (const table of TABLE_NAMES) {
        const own = rows.filter((row) => row.table === table);
        this.#insert(table, own);
        counts[table] += own.length;
      }
      for (const table of TABLE_NAMES) counts[table] -= this.#deleteOldest(table, counts[table]);
      this.#database.exec("COMMIT");
    } catch (error) {
      if (this.#database.inTransaction) this.#database.exec("ROLLBACK");
      throw error;
    }
    Object.assign(this.#counts, counts);
  }

  /** Leaves no log file behind, unless a reader is at work: it is not waited for. */
  close(): void {
    this.#database.exec("PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE)");
    this.#database.close();
  }

  #insert(table: TableName, rows: readonly TableRow[]): void {
    const { one, several } = this.#inserts[table];
    for (let at = 0; at < rows.length;) {
      const left = rows.length - at;
      const taken = left >= ROWS_AT_ONCE ? ROWS_AT_ONCE : 1;
      const values: SqlValue[] = [];
      for (const row of rows.slice(at, at + taken)) {
        values.push(this.#run);
        for (const value of row.values) values.push(value);
      }
      (taken === 1 ? one : several).run(values);
      at += taken;
    }
  }

  #deleteOldest(table: TableName, rows: number): number {
    const excess = Math.min(rows - this.#rowsMax, ROWS_DELETED_MAX);
    if (excess <= 0) return 0;
    const oldest = `SELECT id FROM ${table} ORDER BY id LIMIT ${excess}`;
    this.#database.exec(`DELETE FROM ${table} WHERE id IN (${oldest})`);
    return excess;
  }

  #countOf(table: TableName): number {
    return numberOf(this.#database, `SELECT count(*) AS value FROM ${table}`);
  }
}

function serve(options: WriterOptions): void {
  const port = parentPort;
  if (port === null) throw new Error("the writer runs in a thread of its own");
  const answer = (message: WriterAnswer): void => port.postMessage(message);
  const result = openForWriting(options.path);
  if (!result.ok) {
    answer({ type: "refused", message: result.message });
    return;
  }
  const writer = new Writer(result.database, options);
  port.on("message", (request: WriterRequest) => {
    if (request.type === "close") {
      port.close();
      writer.close();
      return;
    }
    try {
      writer.write(request.rows);
      answer({ type: "written" });
    } catch (error) {
      const reason = error instanceof Error ? error.message : "unknown";
      answer({ type: "failed", message: reason });
    }
  });
  answer({ type: "ready" });
}

const options: WriterOptions = workerData;
serve(options);
