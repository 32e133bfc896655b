import { assert } from "../core/assert.ts";
import { minimise, type Objective } from "./lbfgs.ts";
import type { SparseMatrix, SparseRow } from "./sparse.ts";

/** Logistic regression for several labels at once, each of its own (here: one per model). */
export interface Classifier {
  readonly labelCount: number;
  /** columnCount x labelCount, by columns of the matrix. */
  readonly weights: Float64Array;
  /** One per label. */
  readonly intercepts: Float64Array;
  /** Rows that each label was learned from. */
  readonly knownRows: Uint32Array;
}

export interface ClassifierOptions {
  /** Penalty on squared weights, halved (scikit-learn's 1 / C); above 0. Intercepts are free. */
  readonly l2: number;
  readonly iterationsMax: number;
  /** The largest entry of the gradient at which a label counts as learned. */
  readonly gradientMax: number;
}

/**
 * Fits each label by minimising the sum of cross-entropies plus l2 / 2 times the squared weights
 * (Hastie, Tibshirani and Friedman, The Elements of Statistical Learning, section 4.4), with L-BFGS.
 *
 * A label whose known rows all agree, or that has none, has no weights: its intercept is the log odds
 * of (positives + 1/2) / (rows + 1), Jeffreys' prior.
 * @param labels per label, one probability in 0..1 per row; NaN where it is not known.
 */
export function fitClassifier(
  matrix: SparseMatrix,
  labels: readonly ArrayLike<number>[],
  options: ClassifierOptions,
): Classifier {
  assert(options.l2 > 0, "the penalty is above 0");
  const { columnCount } = matrix;
  const labelCount = labels.length;
  const weights = new Float64Array(columnCount * labelCount);
  const intercepts = new Float64Array(labelCount);
  const knownRows = new Uint32Array(labelCount);
  for (const [label, truths] of labels.entries()) {
    assert(truths.length === matrix.rowCount, "one truth per row");
    const { known, sum } = countKnown(truths);
    knownRows[label] = known;
    intercepts[label] = Math.log((sum + 0.5) / (known - sum + 0.5));
    if (sum === 0 || sum === known) continue;
    const start = new Float64Array(columnCount + 1);
    start[columnCount] = intercepts[label] ?? 0;
    const { point } = minimise(lossOf(matrix, truths, options.l2), start, options);
    intercepts[label] = point[columnCount] ?? 0;
    for (let column = 0; column < columnCount; column++) {
      weights[column * labelCount + label] = point[column] ?? 0;
    }
  }
  return { labelCount, weights, intercepts, knownRows };
}

function countKnown(truths: ArrayLike<number>): { readonly known: number; readonly sum: number } {
  let known = 0;
  let sum = 0;
  for (let row = 0; row < truths.length; row++) {
    const truth = truths[row] ?? Number.NaN;
    if (Number.isNaN(truth)) continue;
    assert(truth >= 0 && truth <= 1, "a label is a probability");
    known++;
    sum += truth;
  }
  return { known, sum };
}

/** The penalised loss of one label; the point holds a weight per column, then the intercept. */
function lossOf(matrix: SparseMatrix, truths: ArrayLike<number>, l2: number): Objective {
  const { rowCount, columnCount, starts, columns, values } = matrix;
  return (point, gradient) => {
    const intercept = point[columnCount] ?? 0;
    let loss = 0;
    for (let column = 0; column < columnCount; column++) {
      const weight = point[column] ?? 0;
      loss += (l2 / 2) * weight * weight;
      gradient[column] = l2 * weight;
    }
    let interceptGradient = 0;
    for (let row = 0; row < rowCount; row++) {
      const truth = truths[row] ?? Number.NaN;
      if (truth !== truth) continue;
      const start = starts[row] ?? 0;
      const end = starts[row + 1] ?? 0;
      let logit = intercept;
      for (let entry = start; entry < end; entry++) {
        logit += (values[entry] ?? 0) * (point[columns[entry] ?? 0] ?? 0);
      }
      loss += softplus(logit) - truth * logit;
      const excess = sigmoid(logit) - truth;
      interceptGradient += excess;
      for (let entry = start; entry < end; entry++) {
        const column = columns[entry] ?? 0;
        gradient[column] = (gradient[column] ?? 0) + excess * (values[entry] ?? 0);
      }
    }
    gradient[columnCount] = interceptGradient;
    return loss;
  };
}

/** Writes the probability of each label for one row into `into`, which has a place per label. */
export function classify(
  classifier: Classifier,
  row: SparseRow,
  into: Float64Array | Float32Array,
): void {
  const { labelCount, weights, intercepts } = classifier;
  assert(into.length === labelCount, "one place per label");
  into.set(intercepts);
  const { columns, values } = row;
  for (let entry = 0; entry < columns.length; entry++) {
    const start = (columns[entry] ?? 0) * labelCount;
    const value = values[entry] ?? 0;
    for (let label = 0; label < labelCount; label++) {
      into[label] = (into[label] ?? 0) + value * (weights[start + label] ?? 0);
    }
  }
  for (let label = 0; label < labelCount; label++) into[label] = sigmoid(into[label] ?? 0);
}

/** 1 / (1 + e^-logit), without overflow. */
export function sigmoid(logit: number): number {
  const small = Math.exp(-Math.abs(logit));
  return logit >= 0 ? 1 / (1 + small) : small / (1 + small);
}

/** ln(1 + e^logit), without overflow. */
export function softplus(logit: number): number {
  return Math.max(logit, 0) + Math.log1p(Math.exp(-Math.abs(logit)));
}
