import type { Speed } from "../core/types.ts";

/** Requests of one kind that ran together: what one of them saw, a median over repeats. */
export interface SpeedPoint {
  /** From sending a request to the end of its answer. */
  readonly measuredMs: number;
  /** Sequences that ran together, itself included, a mean over its time. */
  readonly batch: number;
  /** KV tokens that they held together, a mean over its time. */
  readonly heldTokens: number;
  /** Prompt tokens computed in its time, those of the others included. */
  readonly promptTokens: number;
  readonly outputTokens: number;
}

export interface SpeedFit {
  readonly speed: Speed;
  /** What a request costs beside its iterations: connection, tokenizer, the way back. */
  readonly requestMs: number;
  /** The table's answer for each point, in their order. */
  readonly fittedMs: readonly number[];
}

const TERMS = 5;
/** A baseMs of zero would make an idle iteration free. */
const BASE_MS_MIN = 0.001;

/**
 * The table of an engine that explains what was measured: least squares of relative errors with no
 * term below zero. It rests on whole completions: when tokens arrive says little where a server or
 * its socket bundles them.
 */
export function fitSpeed(points: readonly SpeedPoint[]): SpeedFit {
  const rows = points.map(rowOf);
  const weighed = rows.map((row, index) => {
    const measuredMs = points[index]?.measuredMs ?? 1;
    return row.map((value) => value / Math.max(measuredMs, 1e-6));
  });
  const [baseMs = 0, perSequenceMs = 0, perKvTokenMs = 0, perPromptTokenMs = 0, requestMs = 0] =
    nonNegativeSquares(weighed);
  const terms = [baseMs, perSequenceMs, perKvTokenMs, perPromptTokenMs, requestMs];
  return {
    speed: {
      baseMs: Math.max(BASE_MS_MIN, baseMs),
      perSequenceMs,
      perKvTokenMs,
      perPromptTokenMs,
    },
    requestMs,
    fittedMs: rows.map((row) => product(row, terms)),
  };
}

/** Each output token is an iteration; prompts lengthen the iterations that compute them. */
function rowOf(point: SpeedPoint): readonly number[] {
  const { batch, heldTokens, promptTokens, outputTokens } = point;
  return [outputTokens, outputTokens * batch, outputTokens * heldTokens, promptTokens, 1];
}

/** The terms, none below zero, that bring every row nearest to 1. With few columns all subsets are tried: exact, and no iteration. */
function nonNegativeSquares(rows: readonly (readonly number[])[]): readonly number[] {
  let best: readonly number[] = [];
  let bestError = Number.POSITIVE_INFINITY;
  for (let subset = 1; subset < 1 << TERMS; subset++) {
    const columns = Array.from({ length: TERMS }, (_, column) => column).filter(
      (column) => (subset >> column) & 1,
    );
    const terms = squaresOf(rows, columns);
    if (terms === null || terms.some((term) => term < 0)) continue;
    const error = rows.reduce((sum, row) => sum + (1 - product(row, terms)) ** 2, 0);
    // A further term must earn its place, or rounding alone would bring it in.
    if (error < bestError - 1e-12) {
      best = terms;
      bestError = error;
    }
  }
  return best;
}

/** Least squares with some columns only; null where they do not tell their terms apart. */
function squaresOf(
  rows: readonly (readonly number[])[],
  columns: readonly number[],
): readonly number[] | null {
  const matrix = columns.map((left) => [
    ...columns.map((right) => rows.reduce((sum, row) => sum + at(row, left) * at(row, right), 0)),
    rows.reduce((sum, row) => sum + at(row, left), 0),
  ]);
  const solved = solve(matrix);
  if (solved === null) return null;
  const terms = Array.from({ length: TERMS }, () => 0);
  for (const [index, column] of columns.entries()) terms[column] = at(solved, index);
  return terms;
}

/** Share of a pivot that must be left after elimination. */
const PIVOT_MIN = 1e-9;

/** Cholesky-like elimination of a positive definite system [A | y], in place; null where it is singular. */
function solve(matrix: number[][]): number[] | null {
  const size = matrix.length;
  const scale = matrix.map((row, index) => at(row, index));
  for (const [index, pivotRow] of matrix.entries()) {
    const pivot = at(pivotRow, index);
    if (!(pivot > PIVOT_MIN * at(scale, index))) return null;
    for (const [other, row] of matrix.entries()) {
      if (other === index) continue;
      const factor = at(row, index) / pivot;
      for (let column = index; column <= size; column++) {
        row[column] = at(row, column) - factor * at(pivotRow, column);
      }
    }
  }
  return matrix.map((row, index) => at(row, size) / at(row, index));
}

function product(row: readonly number[], terms: readonly number[]): number {
  return row.reduce((sum, value, index) => sum + value * at(terms, index), 0);
}

function at(values: readonly number[], index: number): number {
  return values[index] ?? 0;
}
