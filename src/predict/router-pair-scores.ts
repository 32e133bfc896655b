/** One task with the outcomes of two models on it and the gain that was predicted. */
export interface PairCase {
  /** 0..1. */
  readonly small: number;
  readonly large: number;
  /** Confidence of the large model less that of the small one. */
  readonly predictedGain: number;
}

/**
 * Average performance gap recovered (Ong et al., RouteLLM, 2024): tasks go to the large model in the
 * order of the predicted gain, ties in equal parts; the area under the mean score against the share
 * that was sent, 0 where it stays at the small model's score and 1 where it is the large one's at
 * once. Chance gives 1/2, and so does a constant. More than 1 is possible: the small model solves
 * tasks that the large one does not.
 * @returns null without cases, or where the large model is no better.
 */
export function gapRecovered(cases: readonly PairCase[]): number | null {
  const sorted = [...cases].sort((a, b) => b.predictedGain - a.predictedGain);
  const gap = sorted.reduce((sum, { small, large }) => sum + large - small, 0);
  if (gap <= 0) return null;
  let recovered = 0;
  let area = 0;
  for (let start = 0; start < sorted.length;) {
    const level = sorted[start]?.predictedGain;
    let end = start;
    let gain = 0;
    while (end < sorted.length && sorted[end]?.predictedGain === level) {
      gain += (sorted[end]?.large ?? 0) - (sorted[end]?.small ?? 0);
      end++;
    }
    area += (end - start) * (recovered + gain / 2);
    recovered += gain;
    start = end;
  }
  return area / (gap * sorted.length);
}

/**
 * Pearson's correlation of predicted and true gain; 0 where the prediction is constant.
 * @returns null without cases, or where the true gain is constant.
 */
export function gainCorrelation(cases: readonly PairCase[]): number | null {
  const count = cases.length;
  const meanOf = (valueOf: (of: PairCase) => number): number =>
    cases.reduce((sum, of) => sum + valueOf(of), 0) / count;
  const gainOf = ({ small, large }: PairCase): number => large - small;
  const meanGain = meanOf(gainOf);
  const meanPredicted = meanOf(({ predictedGain }) => predictedGain);
  let covariance = 0;
  let variance = 0;
  let predictedVariance = 0;
  for (const of of cases) {
    const gain = gainOf(of) - meanGain;
    const predicted = of.predictedGain - meanPredicted;
    covariance += gain * predicted;
    variance += gain * gain;
    predictedVariance += predicted * predicted;
  }
  if (count === 0 || variance === 0) return null;
  const isConstant = predictedVariance <= 1e-12 * count;
  return isConstant ? 0 : covariance / Math.sqrt(variance * predictedVariance);
}
