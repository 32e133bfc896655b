import { existsSync, mkdirSync } from "node:fs";
import { dirname } from "node:path";

import Database from "libsql";

import { TABLE_NAMES } from "./row.ts";
import { createTableSql } from "./table.ts";

/** A refusal continues the sentence "trace store PATH ...". */
export type DatabaseResult =
  | { readonly ok: true; readonly database: Database.Database }
  | { readonly ok: false; readonly message: string };

const BUSY_MS_MAX = 5_000;

/** Step n brings a database of version n to version n + 1; a step that was released is never changed. */
const MIGRATIONS: readonly string[] = [
  `CREATE TABLE runs (id INTEGER PRIMARY KEY, clock_zero_unix_ms REAL NOT NULL);
   ${TABLE_NAMES.map(createTableSql).join("\n")}`,
  `ALTER TABLE stages ADD COLUMN "tenant" TEXT`,
];

export const SCHEMA_VERSION: number = MIGRATIONS.length;

/** Opens a trace database for writing, made or brought to this version where needed. */
export function openForWriting(path: string): DatabaseResult {
  return opened(() => {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    const database = new Database(path);
    database.exec(`PRAGMA busy_timeout = ${BUSY_MS_MAX}`);
    const problem = versionProblem(database);
    if (problem !== null) return refuse(problem);
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    migrate(database);
    return { ok: true, database };
  });
}

/** Opens a trace database that must exist; it cannot be changed through this connection. */
export function openForReading(path: string): DatabaseResult {
  if (!existsSync(path)) return refuse("does not exist; serve a request first");
  return opened(() => {
    const database = new Database(path);
    database.exec(`PRAGMA busy_timeout = ${BUSY_MS_MAX}; PRAGMA query_only = ON`);
    const problem = versionProblem(database) ?? (versionOf(database) === 0 ? "is empty" : null);
    return problem === null ? { ok: true, database } : refuse(problem);
  });
}

function opened(open: () => DatabaseResult): DatabaseResult {
  try {
    return open();
  } catch (error) {
    return refuse(`cannot be opened: ${error instanceof Error ? error.message : "unknown"}`);
  }
}

function refuse(problem: string): DatabaseResult {
  return { ok: false, message: problem };
}

function versionProblem(database: Database.Database): string | null {
  const version = versionOf(database);
  if (version > SCHEMA_VERSION) {
    return `has schema version ${version}, written by a newer Chimera; this one knows ${SCHEMA_VERSION} at most. Update, or set another store.path`;
  }
  if (version === 0 && numberOf(database, "SELECT count(*) AS value FROM sqlite_master") > 0) {
    return "is a database of another program; set another store.path";
  }
  return null;
}

/** In one transaction, so that two processes that start at once do not both do it. */
function migrate(database: Database.Database): void {
  database.exec("BEGIN IMMEDIATE");
  try {
    for (const step of MIGRATIONS.slice(versionOf(database))) database.exec(step);
    database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}

function versionOf(database: Database.Database): number {
  return numberOf(database, "SELECT user_version AS value FROM pragma_user_version");
}

/** The number that a query without parameters names `value`. */
export function numberOf(database: Database.Database, sql: string): number {
  const row: unknown = database.prepare(sql).get();
  const value: unknown =
    typeof row === "object" && row !== null ? Reflect.get(row, "value") : undefined;
  return typeof value === "number" ? value : 0;
}
