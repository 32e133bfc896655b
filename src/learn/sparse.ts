import { assert } from "../core/assert.ts";

/** The entries of one row that are not zero, columns rising. */
export interface SparseRow {
  readonly columns: Uint32Array;
  readonly values: Float64Array;
}

/** A matrix by rows: the entries of row r lie at starts[r] .. starts[r + 1]. */
export interface SparseMatrix {
  readonly rowCount: number;
  readonly columnCount: number;
  readonly starts: Uint32Array;
  readonly columns: Uint32Array;
  readonly values: Float64Array;
}

/** Joins rows to a matrix; a column out of range throws. */
export function createSparseMatrix(rows: readonly SparseRow[], columnCount: number): SparseMatrix {
  const starts = new Uint32Array(rows.length + 1);
  for (const [index, row] of rows.entries()) {
    starts[index + 1] = (starts[index] ?? 0) + row.columns.length;
  }
  const size = starts.at(-1) ?? 0;
  const columns = new Uint32Array(size);
  const values = new Float64Array(size);
  for (const [index, row] of rows.entries()) {
    assert(row.columns.length === row.values.length, "one value per column");
    assert(
      row.columns.every((column) => column < columnCount),
      "columns lie in the matrix",
    );
    columns.set(row.columns, starts[index] ?? 0);
    values.set(row.values, starts[index] ?? 0);
  }
  return { rowCount: rows.length, columnCount, starts, columns, values };
}

/** The entries of a dense row that are not zero. */
export function sparseRow(dense: ArrayLike<number>): SparseRow {
  const columns: number[] = [];
  const values: number[] = [];
  for (let column = 0; column < dense.length; column++) {
    const value = dense[column] ?? 0;
    if (value === 0) continue;
    columns.push(column);
    values.push(value);
  }
  return { columns: Uint32Array.from(columns), values: Float64Array.from(values) };
}

/** How a matrix is multiplied: `width` is the number of columns of the dense one. */
export interface Product {
  readonly width: number;
  readonly isTransposed: boolean;
}

/**
 * The product with a dense matrix, both dense ones kept by rows: `into` (rowCount x width) becomes
 * matrix x dense (columnCount x width); transposed, `into` (columnCount x width) becomes
 * matrix^T x dense (rowCount x width).
 */
export function multiply(
  matrix: SparseMatrix,
  dense: Float64Array,
  into: Float64Array,
  { width, isTransposed }: Product,
): void {
  const { starts, columns, values, rowCount } = matrix;
  into.fill(0);
  for (let row = 0; row < rowCount; row++) {
    const end = starts[row + 1] ?? 0;
    for (let entry = starts[row] ?? 0; entry < end; entry++) {
      const column = columns[entry] ?? 0;
      const from = width * (isTransposed ? row : column);
      const place = width * (isTransposed ? column : row);
      const scale = values[entry] ?? 0;
      for (let index = 0; index < width; index++) {
        into[place + index] = (into[place + index] ?? 0) + scale * (dense[from + index] ?? 0);
      }
    }
  }
}
