import { groupKeys, LEVELS, placeOf, type GroupTraits, type Level } from "./ladder.ts";
import { LengthSeries, type LengthSeriesState } from "./length-series.ts";
import { RecentMap } from "./recent-map.ts";
import type { Signals } from "./trend.ts";

/** stage: output tokens of one stage. remaining: of it and all later stages of its workflow. */
export type Length = "stage" | "remaining";

type Group = Readonly<Record<Length, LengthSeries>>;

/** The groups of one stage, one per level; undefined where nothing was seen. */
export type Ladder = readonly (Group | undefined)[];

export interface GroupLimits {
  /** Groups that are kept; the one longest without news leaves. */
  readonly groupsMax: number;
  /** Newest cases that a group remembers of each length. */
  readonly casesMax: number;
  /** Cases at which a group weighs as much as all coarser ones together. */
  readonly trustCases: number;
}

/** In tokens, with the finest group that weighs at least half; null where the constant prior does. */
export interface Blend {
  readonly median: number;
  readonly mean: number;
  readonly level: Level | null;
  readonly cases: number;
}

export interface GroupState extends Readonly<Record<Length, LengthSeriesState>> {
  readonly key: string;
}

/** All groups on all levels; memory is bounded by `groupsMax` times `casesMax`. */
export class GroupTable {
  readonly #limits: GroupLimits;
  readonly #groups: RecentMap<Group>;
  /** Keys of the groups of a place, one per level: building and hashing them anew costs more than all else. */
  readonly #keys: RecentMap<readonly string[]>;

  constructor(limits: GroupLimits, states: readonly GroupState[] = []) {
    const restored = (state: LengthSeriesState): LengthSeries =>
      new LengthSeries(limits.casesMax, state);
    this.#limits = limits;
    this.#keys = new RecentMap<readonly string[]>(limits.groupsMax);
    this.#groups = new RecentMap<Group>(
      limits.groupsMax,
      states.map(({ key, stage, remaining }) => [
        key,
        { stage: restored(stage), remaining: restored(remaining) },
      ]),
    );
  }

  get size(): number {
    return this.#groups.size;
  }

  /** In the order of `LEVELS`. */
  ladder(traits: GroupTraits): Ladder {
    return this.#keysOf(traits).map((key) => this.#groups.get(key));
  }

  add(traits: GroupTraits, length: Length, tokens: number, signals: Signals): void {
    const keys = this.#keysOf(traits);
    for (let index = 0; index < LEVELS.length; index++) {
      const key = keys[index];
      if (key === undefined || (LEVELS[index]?.byModel && traits.model === null)) continue;
      this.#groupWithNews(key)[length].add(tokens, signals);
    }
  }

  /** Blends in ln(1 + tokens), coarse to fine; a group of n cases weighs n / (n + trustCases). */
  blend(ladder: Ladder, length: Length, signals: Signals, priorTokens: number): Blend {
    let median = Math.log1p(priorTokens);
    let mean = median;
    let level: Level | null = null;
    let cases = 0;
    for (let index = 0; index < ladder.length; index++) {
      const series = ladder[index]?.[length];
      if (series === undefined || series.size === 0) continue;
      const weight = this.#weight(series);
      const shift = series.shift(signals);
      median += weight * (series.logMedian(shift) - median);
      mean += weight * (series.logMean(shift) - mean);
      if (weight < 0.5) continue;
      level = LEVELS[index] ?? null;
      cases = series.size;
    }
    return { median: Math.expm1(median), mean: Math.expm1(mean), level, cases };
  }

  /** Mean stage length at one level, shrunk to a value for want of cases. */
  meanStageTokens(ladder: Ladder, level: Level, otherwiseTokens: number): number {
    const series = ladder[LEVELS.indexOf(level)]?.stage;
    if (series === undefined) return otherwiseTokens;
    return otherwiseTokens + this.#weight(series) * (series.meanTokens - otherwiseTokens);
  }

  states(): GroupState[] {
    return this.#groups.entries().map(([key, { stage, remaining }]) => ({
      key,
      stage: stage.state(),
      remaining: remaining.state(),
    }));
  }

  #keysOf(traits: GroupTraits): readonly string[] {
    const place = placeOf(traits);
    let keys = this.#keys.get(place);
    if (keys === undefined) {
      keys = groupKeys(traits);
      this.#keys.set(place, keys);
    }
    return keys;
  }

  #weight(series: LengthSeries): number {
    return series.size / (series.size + this.#limits.trustCases);
  }

  #groupWithNews(key: string): Group {
    const { casesMax } = this.#limits;
    const group = this.#groups.get(key) ?? {
      stage: new LengthSeries(casesMax),
      remaining: new LengthSeries(casesMax),
    };
    this.#groups.set(key, group);
    return group;
  }
}
