import { assert } from "../core/assert.ts";
import { createRandom } from "../core/random.ts";
import { eigenSymmetric } from "./eigen.ts";
import { multiply, type SparseMatrix, type SparseRow } from "./sparse.ts";

/** The leading right singular vectors of a matrix: the axes that texts are projected on. */
export interface Svd {
  readonly rank: number;
  /** columnCount x rank, by columns of the matrix: what one term adds to each axis. */
  readonly components: Float32Array;
  /** Falling; 0 from the matrix' own rank on. */
  readonly singularValues: Float64Array;
}

export interface SvdOptions {
  readonly rank: number;
  readonly seed: number;
  /** Axes beyond the rank while searching; 10 is usual. */
  readonly oversampling: number;
  /** Power iterations; 5 is usual. */
  readonly iterations: number;
}

/**
 * Randomised truncated SVD by subspace iteration (Halko, Martinsson and Tropp, SIAM Review 53, 2011,
 * algorithms 4.4 and 5.1), from signs drawn by chance. The largest entry of each axis is positive.
 */
export function fitSvd(matrix: SparseMatrix, options: SvdOptions): Svd {
  const { rowCount, columnCount } = matrix;
  assert(Number.isInteger(options.rank) && options.rank >= 1, "a projection has an axis");
  const width = Math.min(options.rank + options.oversampling, rowCount, columnCount);
  const random = createRandom(options.seed);
  const right = new Float64Array(columnCount * width).map(() => (random.next() < 0.5 ? -1 : 1));
  const left = new Float64Array(rowCount * width);
  for (let iteration = 0; iteration <= options.iterations; iteration++) {
    multiply(matrix, right, left, { width, isTransposed: false });
    makeOrthonormal(left, width);
    multiply(matrix, left, right, { width, isTransposed: true });
    if (iteration < options.iterations) makeOrthonormal(right, width);
  }
  // The rows of `right` are now those of (left^T matrix)^T, whose small Gram matrix holds the rest.
  const values = rotateToAxes(right, width);
  const singularValues = new Float64Array(options.rank);
  const components = new Float32Array(columnCount * options.rank);
  for (let axis = 0; axis < Math.min(options.rank, width); axis++) {
    const length = Math.sqrt(Math.max(values[axis] ?? 0, 0));
    singularValues[axis] = length;
    const scale = length === 0 ? 0 : signOfLargest(right, width, axis) / length;
    for (let column = 0; column < columnCount; column++) {
      components[column * options.rank + axis] = scale * (right[column * width + axis] ?? 0);
    }
  }
  return { rank: options.rank, components, singularValues };
}

/** Directions whose squared length is below this share of the largest are taken as none. */
const NOTHING_SHARE = 1e-14;

/** Makes the columns of a matrix (by rows, `width` columns) orthonormal; those that depend on others become 0. */
function makeOrthonormal(matrix: Float64Array, width: number): void {
  const values = rotateToAxes(matrix, width);
  const nothing = NOTHING_SHARE * (values[0] ?? 0);
  const scales = values.map((value) => (value > nothing ? 1 / Math.sqrt(value) : 0));
  for (let start = 0; start < matrix.length; start += width) {
    for (let axis = 0; axis < width; axis++) {
      matrix[start + axis] = (matrix[start + axis] ?? 0) * (scales[axis] ?? 0);
    }
  }
}

/** Turns the columns so that they are orthogonal, the longest first. @returns their squared lengths. */
function rotateToAxes(matrix: Float64Array, width: number): Float64Array {
  const { values, vectors } = eigenSymmetric(gramOf(matrix, width), width);
  const row = new Float64Array(width);
  for (let start = 0; start < matrix.length; start += width) {
    row.set(matrix.subarray(start, start + width));
    for (let axis = 0; axis < width; axis++) {
      let sum = 0;
      for (let index = 0; index < width; index++) {
        sum += (row[index] ?? 0) * (vectors[axis * width + index] ?? 0);
      }
      matrix[start + axis] = sum;
    }
  }
  return values;
}

function gramOf(matrix: Float64Array, width: number): Float64Array {
  const gram = new Float64Array(width * width);
  for (let start = 0; start < matrix.length; start += width) {
    for (let a = 0; a < width; a++) {
      const value = matrix[start + a] ?? 0;
      for (let b = a; b < width; b++) {
        gram[a * width + b] = (gram[a * width + b] ?? 0) + value * (matrix[start + b] ?? 0);
      }
    }
  }
  for (let a = 0; a < width; a++) {
    for (let b = 0; b < a; b++) gram[a * width + b] = gram[b * width + a] ?? 0;
  }
  return gram;
}

function signOfLargest(matrix: Float64Array, width: number, axis: number): number {
  let largest = 0;
  for (let place = axis; place < matrix.length; place += width) {
    const value = matrix[place] ?? 0;
    if (Math.abs(value) > Math.abs(largest)) largest = value;
  }
  return largest < 0 ? -1 : 1;
}

/** Writes a row's place on each axis into `into`, which has `rank` entries; zeros for an empty row. */
export function project(svd: Svd, row: SparseRow, into: Float64Array | Float32Array): void {
  const { rank, components } = svd;
  assert(into.length === rank, "one place per axis");
  const { columns, values } = row;
  into.fill(0);
  for (let entry = 0; entry < columns.length; entry++) {
    const start = (columns[entry] ?? 0) * rank;
    const value = values[entry] ?? 0;
    for (let axis = 0; axis < rank; axis++) {
      into[axis] = (into[axis] ?? 0) + value * (components[start + axis] ?? 0);
    }
  }
}
