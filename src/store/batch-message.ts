import type { TableRow } from "./row.ts";

/** What the writer's thread is started with. */
export interface WriterOptions {
  readonly path: string;
  /** Rows kept in each table. */
  readonly rowsMax: number;
  /** Unix time at which the clock of the rows reads 0. */
  readonly clockZeroUnixMs: number;
}

/** To the writer. At most one batch is under way at a time. */
export type WriterRequest =
  | { readonly type: "write"; readonly rows: readonly TableRow[] }
  | { readonly type: "close" };

/** From the writer: ready or refused once, then one answer to each batch. */
export type WriterAnswer =
  | { readonly type: "ready" }
  | { readonly type: "refused"; readonly message: string }
  | { readonly type: "written" }
  | { readonly type: "failed"; readonly message: string };
