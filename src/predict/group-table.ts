import { GroupPlaces, type Place } from "./group-places.ts";
import { LEVELS, type GroupTraits, type Level } from "./ladder.ts";
import { LengthSeries, type LengthSeriesState } from "./length-series.ts";
import { RecentMap, type RecentEntry } from "./recent-map.ts";
import type { Signals } from "./trend.ts";

/** stage: output tokens of one stage. remaining: of it and all later stages of its workflow. */
export type Length = "stage" | "remaining";

type Group = Readonly<Record<Length, LengthSeries>>;

/** The groups of one stage, one per level; undefined where nothing was seen. */
export type Ladder = readonly (RecentEntry<Group> | undefined)[];

/** The ladder of a place, for as long as no group comes or goes. */
interface KnownLadder {
  readonly version: number;
  readonly ladder: Ladder;
}

/** Where a stage belongs; good for as long as nothing else is asked. */
export type GroupPlace = Place<KnownLadder>;

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
  readonly #places: GroupPlaces<KnownLadder>;
  /** Groups that have come so far; only with one of them another leaves. */
  #version = 0;

  constructor(limits: GroupLimits, states: readonly GroupState[] = []) {
    const restored = (state: LengthSeriesState): LengthSeries =>
      new LengthSeries(limits.casesMax, state);
    this.#limits = limits;
    this.#places = new GroupPlaces(limits.groupsMax);
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
  ladder(place: GroupPlace): Ladder {
    if (place.kept?.version !== this.#version) {
      const ladder = place.keys.map((key) => this.#groups.entry(key));
      place.kept = { version: this.#version, ladder };
    }
    return place.kept.ladder;
  }

  /** A null model: more than one served. */
  place(traits: Omit<GroupTraits, "model">, model: string | null): GroupPlace {
    return this.#places.of(traits, model);
  }

  add(place: GroupPlace, length: Length, tokens: number, signals: Signals): void {
    const logTokens = Math.log1p(tokens);
    for (let index = 0; index < LEVELS.length; index++) {
      if (LEVELS[index]?.byModel && !place.ofOneModel) continue;
      seriesOf(this.#groupWithNews(place, index), length).add(tokens, logTokens, signals);
    }
  }

  /** Blends in ln(1 + tokens), coarse to fine; a group of n cases weighs n / (n + trustCases). */
  blend(ladder: Ladder, length: Length, signals: Signals, priorTokens: number): Blend {
    let median = Math.log1p(priorTokens);
    let mean = median;
    let level: Level | null = null;
    let cases = 0;
    for (let index = 0; index < ladder.length; index++) {
      const entry = ladder[index];
      if (entry === undefined) continue;
      const series = seriesOf(entry.value, length);
      if (series.size === 0) continue;
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
    const series = ladder[LEVELS.indexOf(level)]?.value.stage;
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

  #weight(series: LengthSeries): number {
    return series.size / (series.size + this.#limits.trustCases);
  }

  #groupWithNews(place: GroupPlace, index: number): Group {
    const known = this.ladder(place)[index];
    if (known !== undefined) {
      this.#groups.renew(known);
      return known.value;
    }
    const { casesMax } = this.#limits;
    const group = { stage: new LengthSeries(casesMax), remaining: new LengthSeries(casesMax) };
    this.#groups.set(place.keys[index] ?? "", group);
    this.#version++;
    return group;
  }
}

/** Not by a name that varies: an engine of JavaScript looks such a name up anew each time. */
function seriesOf(group: Group, length: Length): LengthSeries {
  return length === "stage" ? group.stage : group.remaining;
}
