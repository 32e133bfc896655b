import { describe, expect, test } from "vitest";
import reference from "../../test/reference/text.json" with { type: "json" };
import { createSparseMatrix, sparseRow, type SparseMatrix } from "./sparse.ts";
import { fitSvd, project, type Svd, type SvdOptions } from "./svd.ts";
import { createTextReader, fitVocabulary } from "./text.ts";

const OPTIONS: SvdOptions = { rank: reference.svd.rank, seed: 1, oversampling: 10, iterations: 5 };

const vocabulary = fitVocabulary(reference.texts, {
  termsMax: 1000,
  documentsMin: 2,
  wordsPerTermMax: 2,
  isSublinear: false,
});
const read = createTextReader(vocabulary);
const rows = reference.texts.map(read);
const matrix = createSparseMatrix(rows, vocabulary.hashes.length);

function placeOf(svd: Svd, row: number): number[] {
  const into = new Float64Array(svd.rank);
  project(svd, rows[row] ?? sparseRow([]), into);
  return [...into];
}

function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0);
}

function axisOf(svd: Svd, axis: number): number[] {
  return Array.from(svd.components).filter((_, place) => place % svd.rank === axis);
}

describe("against the exact decomposition", () => {
  const svd = fitSvd(matrix, { ...OPTIONS, iterations: 40 });

  test("singular values", () => {
    for (const [index, value] of reference.svd.singularValues.entries()) {
      expect(svd.singularValues[index]).toBeCloseTo(value, 6);
    }
  });

  test("the space that texts are projected on", () => {
    for (const [a, row] of reference.svd.products.entries()) {
      for (const [b, product] of row.entries()) {
        expect(dot(placeOf(svd, a), placeOf(svd, b))).toBeCloseTo(product, 4);
      }
    }
  });

  test("five iterations miss as little as scikit-learn's do", () => {
    const missed = new Float64Array(reference.svd.rank);
    const seeds = 20;
    for (let seed = 0; seed < seeds; seed++) {
      for (const [axis, value] of fitSvd(matrix, { ...OPTIONS, seed }).singularValues.entries()) {
        const exact = reference.svd.singularValues[axis] ?? 0;
        missed[axis] = (missed[axis] ?? 0) + (1 - value / exact) / seeds;
      }
    }
    for (const [axis, theirs] of reference.svd.missedInFiveIterations.entries()) {
      expect(missed[axis]).toBeLessThan(2 * theirs + 1e-6);
      expect(missed[axis]).toBeGreaterThan(-1e-6);
    }
  });

  test("axes are orthonormal", () => {
    for (let a = 0; a < svd.rank; a++) {
      for (let b = 0; b <= a; b++)
        expect(dot(axisOf(svd, a), axisOf(svd, b))).toBeCloseTo(a === b ? 1 : 0, 5);
    }
  });
});

describe("a projection", () => {
  test("is the same for the same seed, and nearly so for another", () => {
    const options = { ...OPTIONS, iterations: 40 };
    const first = fitSvd(matrix, options);
    expect(fitSvd(matrix, options)).toEqual(first);
    const other = fitSvd(matrix, { ...options, seed: 2 });
    for (const [index, value] of placeOf(first, 3).entries()) {
      expect(placeOf(other, 3)[index]).toBeCloseTo(value, 3);
    }
  });

  test("does not depend on the order of the rows", () => {
    const turned = createSparseMatrix(rows.toReversed(), vocabulary.hashes.length);
    const values = fitSvd(turned, OPTIONS).singularValues;
    for (const [index, value] of fitSvd(matrix, OPTIONS).singularValues.entries()) {
      expect(values[index]).toBeCloseTo(value, 6);
    }
  });

  test("has zeros beyond the rank of the matrix", () => {
    const small = createSparseMatrix([sparseRow([3, 0, 4]), sparseRow([6, 0, 8])], 3);
    const svd = fitSvd(small, { ...OPTIONS, rank: 4 });
    expect(svd.singularValues[0]).toBeCloseTo(Math.sqrt(125), 9);
    const into = new Float64Array(4);
    project(svd, sparseRow([3, 0, 4]), into);
    expect(into[0]).toBeCloseTo(5, 5);
    for (const value of into.slice(1)) expect(value).toBeCloseTo(0, 5);
  });

  test("of an empty vocabulary or of empty rows is zero", () => {
    const none: SparseMatrix = createSparseMatrix([sparseRow([]), sparseRow([])], 0);
    const into = new Float64Array(6).fill(7);
    project(fitSvd(none, OPTIONS), sparseRow([]), into);
    expect([...into]).toEqual([0, 0, 0, 0, 0, 0]);
    const zeros = fitSvd(createSparseMatrix([sparseRow([]), sparseRow([])], 5), OPTIONS);
    expect([...zeros.singularValues]).toEqual([0, 0, 0, 0, 0, 0]);
  });
});
