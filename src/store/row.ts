import type { StageRecord, WorkflowRecord } from "../core/command.ts";

/** The text of a request, kept only where the store is told to. */
export interface PromptText {
  readonly system: string;
  readonly user: string;
  readonly recent: readonly { readonly role: string; readonly content: string }[];
}

/** A finished request as the store takes it: the core's record and what the driver knew of the request. */
export interface StageRow extends Omit<StageRecord, "type"> {
  /** Kind of workflow, or "unknown". */
  readonly kind: string;
  readonly role: string | null;
  readonly systemTokens: number;
  readonly userTokens: number;
  readonly outputTokensMax: number | null;
  /** Said by the client: output tokens of this call, and calls left after it. */
  readonly expectedOutputTokens: number | null;
  readonly callsLeft: number | null;
  /** Which predictor's numbers were used; null where none was asked. */
  readonly estimateSource: string | null;
  /** Code of the error catalogue that the client was answered with, or null. */
  readonly errorCode: string | null;
  readonly text: PromptText | null;
}

export interface WorkflowRow extends Omit<WorkflowRecord, "type"> {
  readonly kind: string;
}

/** Places of a row in its table, set by the store. */
interface Place {
  /** Grows in the order in which rows were written. */
  readonly id: number;
  /** The process run that wrote it; times of different runs have different clocks. */
  readonly run: number;
}

/** A stage as it is read back. */
export interface StageTrace extends StageRow, Place {}

/** A workflow as it is read back. */
export interface WorkflowTrace extends WorkflowRow, Place {}

export type TableName = "stages" | "workflows";

export const TABLE_NAMES: readonly TableName[] = ["stages", "workflows"];

export type SqlValue = string | number | null;

/** One row in the column order of its table, without id and run. */
export interface TableRow {
  readonly table: TableName;
  readonly values: readonly SqlValue[];
}
