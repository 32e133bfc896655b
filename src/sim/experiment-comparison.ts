import type { FrontierPoint } from "./frontier.ts";
import type { TrialResult } from "./experiment-run.ts";

/** One policy against another in the same window: same arrivals, same workflows, same engines. */
export interface Comparison {
  readonly own: TrialResult;
  readonly reference: TrialResult;
  /** How many times as fast, by mean ms per token. */
  readonly speed: number;
  /** Score in percentage points above the reference. */
  readonly points: number;
  /** The reference's p95 of completion over the own. */
  readonly p95Speed: number;
  /** The own longest queue wait over the reference's; null where nobody waited there. */
  readonly longestWait: number | null;
}

/** Results of one window, all policies. */
export interface Window {
  readonly workload: string;
  readonly batchLimit: number;
  readonly rate: number;
  readonly predictor: string;
  readonly seed: number;
  readonly byPolicy: ReadonlyMap<string, TrialResult>;
}

/** Results grouped by what all policies share, in the order in which they come. */
export function windowsOf(results: readonly TrialResult[]): Window[] {
  const windows = new Map<string, Window & { readonly byPolicy: Map<string, TrialResult> }>();
  for (const result of results) {
    const { workload, batchLimit, rate, predictor, seed } = result;
    const key = JSON.stringify([workload, batchLimit, rate.value, predictor, seed]);
    const known = windows.get(key);
    const window = known ?? {
      workload,
      batchLimit,
      rate: rate.value,
      predictor,
      seed,
      byPolicy: new Map<string, TrialResult>(),
    };
    window.byPolicy.set(result.policy, result);
    windows.set(key, window);
  }
  return [...windows.values()];
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

function completionOf({ policy, report }: TrialResult): number {
  if (report.completionMs === null) throw new Error(`${policy} completed no workflow`);
  return report.completionMs.p95;
}

/** Score gained at no loss of speed, or speed at no loss of score; what the tables call better in both. */
export function isBetterInBoth({ speed, points }: Comparison): boolean {
  return speed >= 1 && points >= 0 && (speed > 1 || points > 0);
}

/** Slower and less often right. */
export function isWorseInBoth({ speed, points }: Comparison): boolean {
  return speed < 1 && points < 0;
}
