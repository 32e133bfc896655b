import { describe, expect, test } from "vitest";
import reference from "../../test/reference/classifier.json" with { type: "json" };
import {
  classify,
  fitClassifier,
  sigmoid,
  softplus,
  type ClassifierOptions,
} from "./classifier.ts";
import { minimise } from "./lbfgs.ts";
import { createSparseMatrix, sparseRow } from "./sparse.ts";

const { rows, labels, fits, l2 } = reference.regression;
const OPTIONS: ClassifierOptions = { l2, iterationsMax: 500, gradientMax: 1e-7 };

const sparseRows = rows.map((row) => sparseRow(row));
const matrix = createSparseMatrix(sparseRows, 6);
const truths = labels.map((label) => Float64Array.from(label, (truth) => truth ?? Number.NaN));

describe("logistic regression", () => {
  test("has scikit-learn's weights, label by label, rows without a label left out", () => {
    const classifier = fitClassifier(matrix, truths, OPTIONS);
    for (const [label, fit] of fits.entries()) {
      expect(classifier.intercepts[label]).toBeCloseTo(fit.intercept, 5);
      for (const [column, weight] of fit.weights.entries()) {
        expect(classifier.weights[column * labels.length + label]).toBeCloseTo(weight, 5);
      }
      const known = truths[label]?.filter((truth) => !Number.isNaN(truth)).length;
      expect(classifier.knownRows[label]).toBe(known);
    }
  });

  test("gives the probabilities that its weights say", () => {
    const classifier = fitClassifier(matrix, truths, OPTIONS);
    const into = new Float64Array(3);
    for (const [index, row] of rows.entries()) {
      classify(classifier, sparseRows[index] ?? sparseRow([]), into);
      for (const [label, { weights, intercept }] of fits.entries()) {
        const logit = weights.reduce((sum, w, column) => sum + w * (row[column] ?? 0), intercept);
        expect(into[label]).toBeCloseTo(1 / (1 + Math.exp(-logit)), 5);
      }
    }
  });

  test("does not depend on the order of the rows", () => {
    const there = fitClassifier(matrix, truths, OPTIONS);
    const turned = createSparseMatrix(sparseRows.toReversed(), 6);
    const back = fitClassifier(
      turned,
      truths.map((truth) => truth.toReversed()),
      OPTIONS,
    );
    for (const [index, weight] of there.weights.entries()) {
      expect(back.weights[index]).toBeCloseTo(weight, 6);
    }
  });

  test("learns a share of three quarters as three rows that say yes and one that says no", () => {
    const quarters = rows.map((_, row) => row % 5);
    const share = Float64Array.from(quarters, (count) => count / 4);
    const fourfold = createSparseMatrix(
      [0, 1, 2, 3].flatMap(() => sparseRows),
      6,
    );
    const votes = [0, 1, 2, 3].flatMap((vote) => quarters.map((count) => (vote < count ? 1 : 0)));
    const there = fitClassifier(matrix, [share], OPTIONS);
    const here = fitClassifier(fourfold, [votes], { ...OPTIONS, l2: 4 * l2 });
    for (const [column, weight] of there.weights.entries()) {
      expect(here.weights[column]).toBeCloseTo(weight, 6);
    }
  });

  test("answers a label that is always so, or not known at all, with a cautious rate", () => {
    const all = new Float64Array(80).fill(1);
    const none = new Float64Array(80).fill(Number.NaN);
    const classifier = fitClassifier(matrix, [all, none], OPTIONS);
    const into = new Float64Array(2);
    classify(classifier, sparseRow([9, 9, 9, 9, 9, 9]), into);
    expect(into[0]).toBeCloseTo(80.5 / 81, 12);
    expect(into[1]).toBe(0.5);
    expect([...classifier.knownRows]).toEqual([80, 0]);
  });

  test("works without columns and with one row", () => {
    const empty = createSparseMatrix([sparseRow([]), sparseRow([]), sparseRow([])], 0);
    const rate = fitClassifier(empty, [Float64Array.of(1, 0, 0)], OPTIONS);
    const into = new Float64Array(1);
    classify(rate, sparseRow([]), into);
    expect(into[0]).toBeCloseTo(1 / 3, 6);
    const one = fitClassifier(createSparseMatrix([sparseRow([1])], 1), [[0]], OPTIONS);
    classify(one, sparseRow([1]), into);
    expect(into[0]).toBeCloseTo(0.25, 12);
  });

  test("throws on labels that are no probabilities", () => {
    expect(() => fitClassifier(matrix, [new Float64Array(80).fill(2)], OPTIONS)).toThrow(
      "probability",
    );
    expect(() => fitClassifier(matrix, [[1]], OPTIONS)).toThrow("one truth per row");
  });
});

describe("sigmoid and softplus", () => {
  test("stay finite far out", () => {
    expect([sigmoid(-1000), sigmoid(0), sigmoid(1000)]).toEqual([0, 0.5, 1]);
    expect([softplus(-1000), softplus(1000)]).toEqual([0, 1000]);
  });
});

describe("L-BFGS", () => {
  test("finds the minimum of a stretched bowl", () => {
    const { point, isConverged } = minimise(
      (at, gradient) => {
        let value = 0;
        for (let index = 0; index < at.length; index++) {
          const miss = (at[index] ?? 0) - index;
          gradient[index] = 2 * 10 ** index * miss;
          value += 10 ** index * miss * miss;
        }
        return value;
      },
      new Float64Array(6),
      { iterationsMax: 300, gradientMax: 1e-6 },
    );
    expect(isConverged).toBe(true);
    for (const [index, value] of point.entries()) expect(value).toBeCloseTo(index, 6);
  });

  test("says when it has not arrived", () => {
    const result = minimise(
      (at, gradient) => {
        gradient[0] = 4 * (at[0] ?? 0) ** 3;
        return (at[0] ?? 0) ** 4;
      },
      Float64Array.of(3),
      { iterationsMax: 2, gradientMax: 1e-9 },
    );
    expect(result.isConverged).toBe(false);
    expect(result.iterations).toBe(2);
  });
});
