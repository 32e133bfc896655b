import { assert } from "../core/assert.ts";

/** Embeddings to compare with, each of unit length. */
export interface Neighbours {
  readonly dimensions: number;
  /** One after the other. */
  readonly embeddings: Float32Array;
}

/** Rows by falling similarity; equal ones by number. */
export interface Nearest {
  readonly rows: Uint32Array;
  /** Cosines, -1..1. */
  readonly similarities: Float64Array;
}

/**
 * Keeps embeddings for exact search by cosine.
 * @param embeddings one after the other, `dimensions` numbers each; one of length zero is similar to none.
 */
export function createNeighbours(embeddings: Float32Array, dimensions: number): Neighbours {
  assert(dimensions >= 1 && embeddings.length % dimensions === 0, "embeddings are whole");
  const scaled = embeddings.slice();
  for (let start = 0; start < scaled.length; start += dimensions) {
    const embedding = scaled.subarray(start, start + dimensions);
    embedding.set(unitOf(embedding));
  }
  return { dimensions, embeddings: scaled };
}

function unitOf(embedding: Float32Array): Float32Array {
  let squares = 0;
  for (const value of embedding) squares += value * value;
  const scale = squares === 0 ? 0 : 1 / Math.sqrt(squares);
  return embedding.map((value) => value * scale);
}

/** The `countMax` embeddings nearest to the query, fewer where there are fewer. */
export function findNearest(
  { dimensions, embeddings }: Neighbours,
  query: Float32Array,
  countMax: number,
): Nearest {
  assert(query.length === dimensions, "a query has the embeddings' dimensions");
  const rowCount = embeddings.length / dimensions;
  const unit = unitOf(query);
  const rows = new Uint32Array(Math.min(countMax, rowCount));
  const similarities = new Float64Array(rows.length).fill(-Infinity);
  for (let row = 0; row < rowCount; row++) {
    let similarity = 0;
    for (let index = 0; index < dimensions; index++) {
      similarity += (unit[index] ?? 0) * (embeddings[row * dimensions + index] ?? 0);
    }
    let place = rows.length;
    while (place > 0 && similarity > (similarities[place - 1] ?? 0)) place--;
    if (place === rows.length) continue;
    rows.copyWithin(place + 1, place, rows.length - 1);
    similarities.copyWithin(place + 1, place, rows.length - 1);
    rows[place] = row;
    similarities[place] = similarity;
  }
  return { rows, similarities };
}

/**
 * The mean of the neighbours' labels, each with equal weight.
 * @param labels one per embedding; NaN where it is not known.
 * @returns null where no neighbour's label is known.
 */
export function meanOfNearest({ rows }: Nearest, labels: ArrayLike<number>): number | null {
  let sum = 0;
  let count = 0;
  for (const row of rows) {
    const label = labels[row] ?? Number.NaN;
    if (Number.isNaN(label)) continue;
    sum += label;
    count++;
  }
  return count === 0 ? null : sum / count;
}
