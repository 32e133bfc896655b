/** A column in ranks: equal values share a code, and codes rise with the values without a gap. */
export interface Ranks {
  /** One code per row; the number of distinct values stands for a missing one (NaN). */
  readonly codes: Uint32Array;
  /** The distinct values, rising; a value's index is its code. */
  readonly values: Float64Array;
}

/** Ranks of a column, O(n log n). */
export function rankValues(column: Float32Array | Float64Array): Ranks {
  const sorted = column.slice().sort();
  let count = 0;
  for (const value of sorted) {
    if (Number.isNaN(value)) break;
    if (count === 0 || value !== sorted[count - 1]) sorted[count++] = value;
  }
  const values = Float64Array.from(sorted.subarray(0, count));
  const codes = new Uint32Array(column.length);
  for (let row = 0; row < column.length; row++) codes[row] = rankOf(values, column[row] ?? 0);
  return { codes, values };
}

/** Codes of a category's column, in the shape of ranks: each code is its own value. */
export function categoryCodes(column: Float32Array, categories: number): Ranks {
  const codes = Uint32Array.from(column, (value) => (Number.isNaN(value) ? categories : value));
  return { codes, values: new Float64Array(categories).map((_, code) => code) };
}

/** The first index whose value is not below the given one; the count for NaN. */
function rankOf(values: Float64Array, value: number): number {
  if (Number.isNaN(value)) return values.length;
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
