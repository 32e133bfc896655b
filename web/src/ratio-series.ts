import type { RequestList } from "../../src/gateway/ui-request.ts";

/** Of each request that wrote something, oldest first: seconds before now, and predicted over actual tokens. */
export type RatioSeries = [seconds: number[], ratios: number[]];

export function ratioSeries({ nowMs, requests }: RequestList): RatioSeries {
  const seconds: number[] = [];
  const ratios: number[] = [];
  const ended = requests
    .filter(({ status }) => status === "completed")
    .toSorted((a, b) => (a.endedMs ?? 0) - (b.endedMs ?? 0));
  for (const { endedMs, predictedTokens, outputTokens } of ended) {
    if (endedMs === null || predictedTokens === null || outputTokens === null) continue;
    if (outputTokens === 0 || predictedTokens <= 0) continue;
    seconds.push((endedMs - nowMs) / 1000);
    ratios.push(predictedTokens / outputTokens);
  }
  return [seconds, ratios];
}

/** The middle of the values; null of none. */
export function medianOf(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle];
  if (high === undefined) return null;
  return sorted.length % 2 === 1 ? high : (high + (sorted[middle - 1] ?? high)) / 2;
}
