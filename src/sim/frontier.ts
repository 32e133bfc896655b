/** What a policy reached with a workload. */
export interface FrontierPoint {
  /** 0..1, more is better. */
  readonly score: number;
  /** Mean ms per output token, less is better. */
  readonly msPerToken: number;
}

/** Points that no other point equals or beats in both, slowest and best first. */
export function frontierOf(points: readonly FrontierPoint[]): FrontierPoint[] {
  const byScore = points.toSorted((a, b) => b.score - a.score || a.msPerToken - b.msPerToken);
  const kept: FrontierPoint[] = [];
  for (const point of byScore) {
    const slowest = kept.at(-1)?.msPerToken ?? Number.POSITIVE_INFINITY;
    if (point.msPerToken < slowest) kept.push(point);
  }
  return kept;
}

/**
 * Time at which a swept policy reaches a score: between two points of its frontier the logarithm of
 * time is taken as linear in the score, as if two prices were mixed; below the lowest score the
 * quickest point serves. Null where the score is out of its reach.
 */
export function msPerTokenAt(points: readonly FrontierPoint[], score: number): number | null {
  const frontier = frontierOf(points).toReversed();
  const [quickest] = frontier;
  if (quickest === undefined) return null;
  if (score <= quickest.score) return quickest.msPerToken;
  const above = frontier.findIndex((point) => point.score >= score);
  const right = frontier[above];
  const left = frontier[above - 1];
  if (right === undefined || left === undefined) return null;
  const share = (score - left.score) / (right.score - left.score);
  return Math.exp((1 - share) * Math.log(left.msPerToken) + share * Math.log(right.msPerToken));
}

/** The corner that a hypervolume is measured from: lowest score and longest time. */
export interface Corners {
  readonly worst: FrontierPoint;
  readonly best: FrontierPoint;
}

/** The box that holds all given points; null where it has no area. */
export function cornersOf(points: readonly FrontierPoint[]): Corners | null {
  const scores = points.map((point) => point.score);
  const times = points.map((point) => point.msPerToken);
  const worst = { score: Math.min(...scores), msPerToken: Math.max(...times) };
  const best = { score: Math.max(...scores), msPerToken: Math.min(...times) };
  return worst.score < best.score && best.msPerToken < worst.msPerToken ? { worst, best } : null;
}

/** Share of a box, its time axis logarithmic, that the points dominate (Zitzler and Thiele 1998): 0..1. */
export function hypervolume(points: readonly FrontierPoint[], { worst, best }: Corners): number {
  const area = (score: number, ms: number): number =>
    Math.max(0, score - worst.score) * Math.max(0, Math.log(worst.msPerToken / ms));
  let sum = 0;
  let covered = 0;
  // From the best score down, each point adds the part that is quicker than all before it.
  for (const { score, msPerToken } of frontierOf(points)) {
    const height = Math.max(0, Math.log(worst.msPerToken / msPerToken));
    if (height <= covered) continue;
    sum += Math.max(0, score - worst.score) * (height - covered);
    covered = height;
  }
  return sum / area(best.score, best.msPerToken);
}
