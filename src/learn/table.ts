import { assert } from "../core/assert.ts";

/** One input of a learner. */
export interface Feature {
  readonly name: string;
  /** null for a number; else the values are codes 0 .. categories - 1, without order. */
  readonly categories: number | null;
}

/**
 * Rows to learn from, kept by column. Values are 32-bit floats; NaN is a missing value. The codes of
 * a category are whole numbers.
 */
export interface FeatureTable {
  readonly features: readonly Feature[];
  /** One column per feature, each of rowCount values. */
  readonly columns: readonly Float32Array[];
  readonly rowCount: number;
}

/** Features that a table may have: a node of a tree keeps the feature in 10 bits. */
export const FEATURES_MAX = 1_000;
/** Rows that a table may have: a node of a tree keeps the way to its right child in 20 bits. */
export const ROWS_MAX = 500_000;
/** Categories that a feature may have; rarer ones belong together under one code. */
export const CATEGORIES_MAX = 256;

/** A table over the given columns, which it keeps; other shapes, infinite values and codes out of range throw. */
export function createTable(
  features: readonly Feature[],
  columns: readonly Float32Array[],
): FeatureTable {
  const rowCount = columns[0]?.length ?? 0;
  assert(features.length === columns.length, "one column per feature");
  assert(features.length >= 1 && features.length <= FEATURES_MAX, "a table has 1..1,000 features");
  assert(rowCount >= 1 && rowCount <= ROWS_MAX, "a table has 1..500,000 rows");
  for (const [index, feature] of features.entries()) {
    const column = columns[index] ?? new Float32Array();
    assert(column.length === rowCount, "all columns have as many rows");
    assertColumn(feature, column);
  }
  return { features, columns, rowCount };
}

function assertColumn(feature: Feature, column: Float32Array): void {
  const { categories, name } = feature;
  if (categories === null) {
    const isFinite = column.every((value) => Math.abs(value) !== Infinity);
    assert(isFinite, `the values of ${name} are finite or missing`);
    return;
  }
  assert(categories >= 1 && categories <= CATEGORIES_MAX, `${name} has 1..256 categories`);
  const isCode = (value: number): boolean =>
    Number.isNaN(value) || (Number.isInteger(value) && value >= 0 && value < categories);
  assert(column.every(isCode), `the values of ${name} are its categories or missing`);
}

/** Copies one row into `into`, in the order of the features. */
export function readRow(table: FeatureTable, row: number, into: Float32Array): void {
  let index = 0;
  for (const column of table.columns) into[index++] = column[row] ?? Number.NaN;
}
