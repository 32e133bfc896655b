import type { FrontierPoint } from "./frontier.ts";
import type { Rate } from "./experiment.ts";
import type { TrialResult } from "./experiment-run.ts";

/** What a policy gains over another. */
export interface Gain {
  /** How many times as fast, by mean ms per token. */
  readonly speed: number;
  /** Score in percentage points above the other. */
  readonly points: number;
}

/** One policy against another in the same window: same arrivals, same workflows, same engines. */
export interface Comparison extends Gain {
  readonly own: TrialResult;
  readonly reference: TrialResult;
  /** The reference's p95 of completion over the own. */
  readonly p95Speed: number;
  /** The own longest queue wait over the reference's; null where nobody waited there. */
  readonly longestWait: number | null;
}

/** Results of one window, all policies. */
export interface Window {
  readonly workload: string;
  readonly batchLimit: number;
  readonly unit: Rate["unit"];
  readonly rate: number;
  readonly predictor: string;
  readonly seed: number;
  readonly byPolicy: ReadonlyMap<string, TrialResult>;
}

/** Results grouped by what all policies share, in the order in which they come. */
export function windowsOf(results: readonly TrialResult[]): Window[] {
  const groups = groupsOf(results, ({ workload, batchLimit, rate, predictor, seed }) =>
    JSON.stringify([workload, batchLimit, rate.value, predictor, seed]),
  );
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { workload, batchLimit, rate, predictor, seed } = first;
    const byPolicy = new Map(group.map((result) => [result.policy, result]));
    const { unit, value } = rate;
    return [{ workload, batchLimit, unit, rate: value, predictor, seed, byPolicy }];
  });
}

/** A policy against a reference in each window that has both. */
export function comparisonsOf(
  windows: readonly Window[],
  policy: string,
  reference: string,
): Comparison[] {
  return windows.flatMap((window) => {
    const own = window.byPolicy.get(policy);
    const other = window.byPolicy.get(reference);
    return own === undefined || other === undefined ? [] : [compare(own, other)];
  });
}

function compare(own: TrialResult, reference: TrialResult): Comparison {
  const waitMs = reference.report.queueWaitMs?.longest ?? 0;
  return {
    own,
    reference,
    speed: pointOf(reference).msPerToken / pointOf(own).msPerToken,
    points: 100 * (own.report.scoreMean - reference.report.scoreMean),
    p95Speed: completionOf(reference) / completionOf(own),
    longestWait: waitMs > 0 ? (own.report.queueWaitMs?.longest ?? 0) / waitMs : null,
  };
}

/** Throws when no workflow completed: a trial without faults completes all. */
export function pointOf({ policy, report }: TrialResult): FrontierPoint {
  if (report.msPerToken === null) throw new Error(`${policy} completed no workflow`);
  return { score: report.scoreMean, msPerToken: report.msPerToken.mean };
}

/** Mean of the score and geometric mean of the time; null without results. */
export function meanPointOf(results: readonly TrialResult[]): FrontierPoint | null {
  if (results.length === 0) return null;
  const points = results.map(pointOf);
  const mean = (valueOf: (point: FrontierPoint) => number): number =>
    points.reduce((sum, point) => sum + valueOf(point), 0) / points.length;
  return {
    score: mean((point) => point.score),
    msPerToken: Math.exp(mean((point) => Math.log(point.msPerToken))),
  };
}

function completionOf({ policy, report }: TrialResult): number {
  if (report.completionMs === null) throw new Error(`${policy} completed no workflow`);
  return report.completionMs.p95;
}

/** Score gained at no loss of speed, or speed at no loss of score; what the tables call better in both. */
export function isBetterInBoth({ speed, points }: Gain): boolean {
  return speed >= 1 && points >= 0 && (speed > 1 || points > 0);
}

/** Slower and less often right. */
export function isWorseInBoth({ speed, points }: Gain): boolean {
  return speed < 1 && points < 0;
}

/** Values by key, both in the order in which they come. */
export function groupsOf<T>(values: readonly T[], keyOf: (value: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) {
    const key = keyOf(value);
    const group = groups.get(key) ?? [];
    group.push(value);
    groups.set(key, group);
  }
  return groups;
}
