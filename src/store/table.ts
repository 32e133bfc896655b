import type {
  SqlValue,
  StageRow,
  StageTrace,
  TableName,
  TableRow,
  WorkflowRow,
  WorkflowTrace,
} from "./row.ts";

/** JSON columns hold their field as JSON text. */
interface Column {
  readonly name: string;
  /** The column's name in camel case. */
  readonly field: string;
  readonly type: "TEXT" | "INTEGER" | "REAL" | "JSON";
  readonly isNullable?: true;
  /** Version of the schema that has it first; 1 unless given. */
  readonly since?: number;
}

const STAGE_COLUMNS: readonly Column[] = columnsOf([
  { name: "request_id", type: "TEXT" },
  { name: "workflow_id", type: "TEXT" },
  { name: "stage", type: "INTEGER" },
  { name: "pool", type: "TEXT" },
  { name: "class", type: "TEXT" },
  { name: "outcome", type: "TEXT" },
  { name: "engine", type: "TEXT", isNullable: true },
  { name: "model", type: "TEXT", isNullable: true },
  { name: "attempts", type: "INTEGER" },
  { name: "prompt_tokens", type: "INTEGER" },
  { name: "output_tokens", type: "INTEGER" },
  { name: "arrived_ms", type: "REAL" },
  { name: "queued_ms", type: "REAL", isNullable: true },
  { name: "dispatched_ms", type: "REAL", isNullable: true },
  { name: "first_token_ms", type: "REAL", isNullable: true },
  { name: "ended_ms", type: "REAL" },
  { name: "kind", type: "TEXT" },
  { name: "role", type: "TEXT", isNullable: true },
  { name: "system_tokens", type: "INTEGER" },
  { name: "user_tokens", type: "INTEGER" },
  { name: "output_tokens_max", type: "INTEGER", isNullable: true },
  { name: "expected_output_tokens", type: "REAL", isNullable: true },
  { name: "calls_left", type: "REAL", isNullable: true },
  { name: "estimate_source", type: "TEXT", isNullable: true },
  { name: "error_code", type: "TEXT", isNullable: true },
  { name: "decision", type: "JSON", isNullable: true },
  { name: "text", type: "JSON", isNullable: true },
  { name: "tenant", type: "TEXT", isNullable: true, since: 2 },
]);

const WORKFLOW_COLUMNS: readonly Column[] = columnsOf([
  { name: "workflow_id", type: "TEXT" },
  { name: "kind", type: "TEXT" },
  { name: "arrived_ms", type: "REAL" },
  { name: "ended_ms", type: "REAL" },
  { name: "stages", type: "INTEGER" },
  { name: "completed_stages", type: "INTEGER" },
  { name: "output_tokens", type: "INTEGER" },
  { name: "score", type: "REAL", isNullable: true },
  { name: "end", type: "TEXT" },
  { name: "models", type: "JSON" },
]);

const TABLES: Readonly<Record<TableName, readonly Column[]>> = {
  stages: STAGE_COLUMNS,
  workflows: WORKFLOW_COLUMNS,
};

/** Statements that make a table with its index, at the first version of the schema. */
export function createTableSql(table: TableName): string {
  const first = TABLES[table].filter(({ since }) => since === undefined);
  const columns = first.map(({ name, type, isNullable }) => {
    const kind = type === "JSON" ? "TEXT" : type;
    return `"${name}" ${kind}${isNullable ? "" : " NOT NULL"}`;
  });
  return `CREATE TABLE ${table} (id INTEGER PRIMARY KEY, run INTEGER NOT NULL, ${columns.join(", ")});
    CREATE INDEX ${table}_workflow ON ${table} (workflow_id);`;
}

/** Takes the run and a row's values, as often as there are rows. */
export function insertSql(table: TableName, rows: number): string {
  const columns = TABLES[table];
  const names = columns.map(({ name }) => `"${name}"`).join(", ");
  const row = `(?${", ?".repeat(columns.length)})`;
  return `INSERT INTO ${table} (run, ${names}) VALUES ${Array.from({ length: rows }, () => row).join(", ")}`;
}

/** A stage in the order of its columns, field by field; its text is left out unless it is to be kept. */
export function stageTableRow(row: StageRow, keepsText: boolean): TableRow {
  const values = [
    sqlValue(row.requestId),
    sqlValue(row.workflowId),
    sqlValue(row.stage),
    sqlValue(row.pool),
    sqlValue(row.class),
    sqlValue(row.outcome),
    sqlValue(row.engine),
    sqlValue(row.model),
    sqlValue(row.attempts),
    sqlValue(row.promptTokens),
    sqlValue(row.outputTokens),
    sqlValue(row.arrivedMs),
    sqlValue(row.queuedMs),
    sqlValue(row.dispatchedMs),
    sqlValue(row.firstTokenMs),
    sqlValue(row.endedMs),
    sqlValue(row.kind),
    sqlValue(row.role),
    sqlValue(row.systemTokens),
    sqlValue(row.userTokens),
    sqlValue(row.outputTokensMax),
    sqlValue(row.expectedOutputTokens),
    sqlValue(row.callsLeft),
    sqlValue(row.estimateSource),
    sqlValue(row.errorCode),
    sqlValue(row.decision),
    sqlValue(keepsText ? row.text : null),
    sqlValue(row.tenant),
  ];
  return { table: "stages", values };
}

export function workflowTableRow(row: WorkflowRow): TableRow {
  const values = [
    sqlValue(row.workflowId),
    sqlValue(row.kind),
    sqlValue(row.arrivedMs),
    sqlValue(row.endedMs),
    sqlValue(row.stages),
    sqlValue(row.completedStages),
    sqlValue(row.outputTokens),
    sqlValue(row.score),
    sqlValue(row.end),
    sqlValue(row.models),
  ];
  return { table: "workflows", values };
}

/** Whether every column that must hold a value holds one; a number that is not finite is none. */
export function isCompleteRow({ table, values }: TableRow): boolean {
  const columns = TABLES[table];
  for (let index = 0; index < columns.length; index++) {
    if (values[index] === null && columns[index]?.isNullable !== true) return false;
  }
  return true;
}

/** The database's version was checked when it was opened, so its rows have the columns above. */
export function stageTraceOf(sqlRow: unknown): StageTrace {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written from a StageRow
  return traceOf("stages", sqlRow) as StageTrace;
}

export function workflowTraceOf(sqlRow: unknown): WorkflowTrace {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written from a WorkflowRow
  return traceOf("workflows", sqlRow) as WorkflowTrace;
}

function sqlValue(value: unknown): SqlValue {
  switch (typeof value) {
    case "string":
      return value;
    case "number":
      return Number.isFinite(value) ? value : null;
    case "object":
      return value === null ? null : JSON.stringify(value);
    default:
      return null;
  }
}

function traceOf(table: TableName, sqlRow: unknown): object {
  if (typeof sqlRow !== "object" || sqlRow === null) throw new TypeError("a row is an object");
  const fieldOf = (name: string): unknown => Reflect.get(sqlRow, name);
  const trace: Record<string, unknown> = { id: fieldOf("id"), run: fieldOf("run") };
  for (const { name, field, type } of TABLES[table]) {
    const value = fieldOf(name);
    const isJson = type === "JSON" && typeof value === "string";
    // A column that is younger than the file has no value.
    trace[field] = isJson ? JSON.parse(value) : (value ?? null);
  }
  return trace;
}

/** Every request is written down, so the fields' names are made once. */
function columnsOf(columns: readonly Omit<Column, "field">[]): readonly Column[] {
  return columns.map((column) => {
    const field = column.name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
    return { ...column, field };
  });
}
