import type { TableName, TableRow } from "./row.ts";

/**
 * Why a row was not kept. full: too many waited. invalid: a required field has no finite value.
 * failed: the disk refused it. dead: the writer's thread ended. closed: the store was closing.
 */
export type DropReason = "full" | "invalid" | "failed" | "dead" | "closed";

export interface StoreCounts {
  readonly written: Readonly<Record<TableName, number>>;
  readonly dropped: Readonly<Record<TableName, Readonly<Record<DropReason, number>>>>;
  /** Accepted and not yet written or dropped. */
  readonly pendingRows: number;
}

/** Counts since the store was opened. Each accepted row ends in exactly one of them. */
export class StoreTally {
  readonly #written = { stages: 0, workflows: 0 };
  readonly #dropped = {
    stages: { full: 0, invalid: 0, failed: 0, dead: 0, closed: 0 },
    workflows: { full: 0, invalid: 0, failed: 0, dead: 0, closed: 0 },
  };

  addWritten(rows: readonly TableRow[]): void {
    for (const { table } of rows) this.#written[table]++;
  }

  addDropped(rows: readonly TableRow[], reason: DropReason): void {
    for (const { table } of rows) this.#dropped[table][reason]++;
  }

  counts(pendingRows: number): StoreCounts {
    const { stages, workflows } = this.#dropped;
    return {
      written: { ...this.#written },
      dropped: { stages: { ...stages }, workflows: { ...workflows } },
      pendingRows,
    };
  }
}
