import { assert } from "../core/assert.ts";

const SWEEPS_MAX = 60;

/**
 * Eigenvalues and vectors of a symmetric matrix by cyclic Jacobi rotations (Golub and Van Loan, Matrix
 * Computations, section 8.5).
 * @param matrix size x size, by rows; overwritten.
 * @returns values falling, and vectors by rows, in the order of the values.
 */
export function eigenSymmetric(
  matrix: Float64Array,
  size: number,
): { readonly values: Float64Array; readonly vectors: Float64Array } {
  assert(matrix.length === size * size, "a square matrix");
  const vectors = new Float64Array(size * size);
  for (let index = 0; index < size; index++) vectors[index * size + index] = 1;
  for (let sweep = 0; sweep < SWEEPS_MAX; sweep++) {
    if (!rotateAll(matrix, vectors, size)) break;
  }
  const order = new Uint32Array(size).map((_, index) => index);
  const value = (index: number): number => matrix[index * size + index] ?? 0;
  order.sort((a, b) => value(b) - value(a) || a - b);
  const sorted = new Float64Array(size * size);
  for (const [place, index] of order.entries()) {
    sorted.set(vectors.subarray(index * size, (index + 1) * size), place * size);
  }
  return { values: Float64Array.from(order, value), vectors: sorted };
}

/** One sweep over all pairs. @returns whether anything was rotated. */
function rotateAll(matrix: Float64Array, vectors: Float64Array, size: number): boolean {
  let isRotated = false;
  for (let p = 0; p < size; p++) {
    for (let q = p + 1; q < size; q++) {
      const pq = matrix[p * size + q] ?? 0;
      const pp = matrix[p * size + p] ?? 0;
      const qq = matrix[q * size + q] ?? 0;
      if (Math.abs(pq) <= Number.EPSILON * Math.sqrt(Math.abs(pp * qq))) continue;
      const theta = (qq - pp) / (2 * pq);
      const tangent = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
      const cosine = 1 / Math.sqrt(tangent * tangent + 1);
      const turn = { p, q, cosine, sine: tangent * cosine };
      rotateColumns(matrix, size, turn);
      rotateRows(matrix, size, turn);
      rotateRows(vectors, size, turn);
      isRotated = true;
    }
  }
  return isRotated;
}

interface Turn {
  readonly p: number;
  readonly q: number;
  readonly cosine: number;
  readonly sine: number;
}

function rotateRows(matrix: Float64Array, size: number, { p, q, cosine, sine }: Turn): void {
  for (let column = 0; column < size; column++) {
    const a = matrix[p * size + column] ?? 0;
    const b = matrix[q * size + column] ?? 0;
    matrix[p * size + column] = cosine * a - sine * b;
    matrix[q * size + column] = sine * a + cosine * b;
  }
}

function rotateColumns(matrix: Float64Array, size: number, { p, q, cosine, sine }: Turn): void {
  for (let row = 0; row < size; row++) {
    const a = matrix[row * size + p] ?? 0;
    const b = matrix[row * size + q] ?? 0;
    matrix[row * size + p] = cosine * a - sine * b;
    matrix[row * size + q] = sine * a + cosine * b;
  }
}
