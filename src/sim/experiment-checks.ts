import {
  comparisonsOf,
  groupsOf,
  isBetterInBoth,
  isWorseInBoth,
  meanPointOf,
  type Gain,
  type Window,
} from "./experiment-comparison.ts";
import { summaryOf, summaryOfRatios } from "./experiment-statistics.ts";
import { pointsText, ratioText } from "./experiment-table.ts";
import { msPerTokenAt } from "./frontier.ts";

/** One claim about `auto` on recorded runs, and what was measured. */
export interface Check {
  readonly claim: string;
  readonly measured: string;
  /** Null where the runs at hand cannot tell. */
  readonly holds: boolean | null;
}

const OWN = "auto";
/** The same policy with predictors that were trained; claims are made of them where they were run. */
const LEARNED = ["auto learned", "auto learned lengths"];
const BASELINE = "balancer";
/** The load at which most claims are made. */
const LOAD = 0.95;

/** All claims, for windows of one batch limit. The policy is at its fixed default but where a sweep is named. */
export function checksOf(windows: readonly Window[]): Check[] {
  const loaded = windows.filter((window) => window.rate === LOAD);
  const against = comparisonsOf(loaded, OWN, BASELINE);
  const p95 = summaryOfRatios(against.map((each) => each.p95Speed))?.mean;
  const learned = LEARNED.filter((label) => loaded.some(({ byPolicy }) => byPolicy.has(label)));
  return [
    ...[OWN, ...learned].flatMap((label) => togetherChecks(loaded, label)),
    betterCheck(windows),
    worseCheck(windows),
    equalScoreCheck(loaded, "paper", 1.08),
    equalScoreCheck(loaded, "ltr", 1.1),
    {
      claim: "95 % load: p95 of completion x1.35 against the balancer",
      measured: ratioText(p95),
      holds: p95 === undefined ? null : p95 >= 1.35,
    },
    waitCheck(loaded),
  ];
}

/** Speed and score of one run of the policy, whatever it predicts with. */
function togetherChecks(loaded: readonly Window[], label: string): Check[] {
  const against = comparisonsOf(loaded, label, BASELINE);
  const speed = summaryOfRatios(against.map((each) => each.speed))?.mean;
  const points = summaryOf(against.map((each) => each.points))?.mean;
  const measured = `${ratioText(speed)} and ${pointsText(points)}`;
  const reaches = (ratio: number, gain: number): boolean | null =>
    speed === undefined || points === undefined ? null : speed >= ratio && points >= gain;
  const of = label === OWN ? "" : ` (${label})`;
  return [
    {
      claim: `95 % load, against the balancer: x1.45 and +4.5 together${of}`,
      measured,
      holds: reaches(1.45, 4.5),
    },
    { claim: `the same, aim: x1.75 and +7.0${of}`, measured, holds: reaches(1.75, 7) },
  ];
}

function betterCheck(windows: readonly Window[]): Check {
  const between = windows.filter(({ rate }) => rate >= 0.8 && rate <= 1.1);
  const sets = setsOf(between);
  const better = sets.filter((set) => isBetterInBoth(set));
  const inWindows = comparisonsOf(between, OWN, BASELINE).filter(isBetterInBoth).length;
  return {
    claim: "80 to 110 % load: better than the balancer in both",
    measured:
      `${better.length} of ${sets.length} sets and loads by their means, ` +
      `${inWindows} of ${between.length} windows${loadsText(between)}`,
    holds: isCovered(between, 0.8, 1.1) ? better.length === sets.length : null,
  };
}

function worseCheck(windows: readonly Window[]): Check {
  const sets = setsOf(windows);
  const worse = sets.filter((set) => isWorseInBoth(set));
  const inWindows = comparisonsOf(windows, OWN, BASELINE).filter(isWorseInBoth).length;
  const names = worse.map(
    ({ name, speed, points }) => `${name}: ${ratioText(speed)} ${pointsText(points)}`,
  );
  const isAll = isCovered(windows, 0.3, 1.3);
  return {
    claim: "30 to 130 % load: never worse than the balancer in both",
    measured:
      `worse in ${worse.length} of ${sets.length} sets and loads by their means` +
      (names.length > 0 ? ` (${names.join("; ")})` : "") +
      `, ${inWindows} of ${windows.length} windows${loadsText(windows)}`,
    holds: worse.length > 0 ? false : isAll ? true : null,
  };
}

/** Whether loads were run up to both ends: else a claim about all of them is open. */
function isCovered(windows: readonly Window[], from: number, to: number): boolean {
  const rates = windows.map((window) => window.rate);
  return Math.min(...rates) <= from && Math.max(...rates) >= to;
}

function loadsText(windows: readonly Window[]): string {
  const rates = [...new Set(windows.map((window) => window.rate))];
  return rates.length === 0 ? "" : `; loads run: ${rates.join(", ")}`;
}

/** By the mean points of each set, since the score of one window is too noisy to look a time up with. */
function equalScoreCheck(windows: readonly Window[], rival: string, wanted: number): Check {
  const compared = windows.filter((window) => window.byPolicy.has(rival));
  const sets = groupsOf(compared, (window) => window.workload);
  const speeds = [...sets.values()].flatMap((set) => equalScoreSpeed(set, OWN, rival) ?? []);
  const summary = summaryOfRatios(speeds);
  const unreached = sets.size - speeds.length;
  return {
    claim: `95 % load, at equal score (price swept): x${wanted} against ${rival}`,
    measured:
      `${ratioText(summary?.mean)}, ${ratioText(summary?.least)} to ${ratioText(summary?.most)} ` +
      `over ${speeds.length} sets` +
      (unreached > 0 ? `; ${unreached} more whose score the sweep does not reach` : ""),
    holds: summary === null ? null : summary.mean >= wanted && unreached === 0,
  };
}

function waitCheck(windows: readonly Window[]): Check {
  const waits = comparisonsOf(windows, OWN, "auto-stjf").flatMap(({ longestWait }) =>
    longestWait === null || longestWait === 0 ? [] : [longestWait],
  );
  const mean = summaryOfRatios(waits)?.mean;
  return {
    claim: "95 % load: longest wait x0.55 of the same choice in STJF order",
    measured: ratioText(mean),
    holds: mean === undefined ? null : mean <= 0.55,
  };
}

/**
 * How many times as fast as a rival a swept policy is at the rival's own score, by mean points over the
 * windows; null where the sweep does not reach it, or nothing was run.
 */
export function equalScoreSpeed(
  windows: readonly Window[],
  family: string,
  rival: string,
): number | null {
  const results = windows.flatMap((window) => [...window.byPolicy.values()]);
  const target = meanPointOf(results.filter((result) => result.policy === rival));
  if (target === null) return null;
  const own = results.filter((result) => result.family === family);
  const swept = [...groupsOf(own, (result) => result.policy).values()].flatMap(
    (group) => meanPointOf(group) ?? [],
  );
  const msPerToken = msPerTokenAt(swept, target.score);
  return msPerToken === null ? null : target.msPerToken / msPerToken;
}

interface NamedGain extends Gain {
  readonly name: string;
}

/** The means over the windows of each set and load. */
function setsOf(windows: readonly Window[]): NamedGain[] {
  const groups = groupsOf(windows, ({ workload, rate }) => `${workload} at ${rate}`);
  return [...groups].flatMap(([name, group]) => {
    const comparisons = comparisonsOf(group, OWN, BASELINE);
    const speed = summaryOfRatios(comparisons.map((each) => each.speed));
    const points = summaryOf(comparisons.map((each) => each.points));
    return speed === null || points === null
      ? []
      : [{ name, speed: speed.mean, points: points.mean }];
  });
}
