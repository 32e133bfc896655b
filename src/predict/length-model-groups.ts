import type { StageFacts } from "./port.ts";

/** What a group of examples has in common; null stands for any. */
export interface LengthGroup {
  readonly key: string;
  readonly rows: number;
  /** Mean of ln(1 + remaining tokens). */
  readonly meanLog: number;
  /** Remaining tokens: mean, and the range of the middle 90 %. */
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** One case as it is grouped. */
export interface GroupedCase {
  readonly facts: StageFacts;
  readonly model: string;
  readonly remaining: number;
}

type Traits = Pick<StageFacts, "kind" | "role" | "stage">;
type Level = (traits: Traits, model: string) => readonly (string | number | null)[];

/** Groups whose means are features. */
const MEAN_LEVELS = {
  model: ({ role }, model) => ["model", model, role],
  kind: ({ kind, role }) => ["kind", kind, role],
  both: ({ kind, role }, model) => ["both", kind, role, model],
} as const satisfies Record<string, Level>;

/** Groups whose range a prediction keeps to, the finest first. */
const RANGE_LEVELS: readonly Level[] = [
  ({ kind, role, stage }, model) => ["range", kind, role, stage, model],
  ({ role, stage }, model) => ["range", role, stage, model],
  ({ kind, role, stage }) => ["range", kind, role, stage],
  ({ role, stage }) => ["range", role, stage],
];
const EVERYTHING: Level = () => ["all"];

/** Rows that a range takes at least, and groups of each level that are kept, the largest first. */
const RANGE_ROWS_MIN = 20;
const LEVEL_GROUPS_MAX = 4096;
const LOW_SHARE = 0.05;
const HIGH_SHARE = 0.95;

/** The groups of a set of cases; at least one case. */
export function fitGroups(cases: readonly GroupedCase[]): LengthGroup[] {
  const means = Object.values(MEAN_LEVELS).flatMap((level) => groupsOf(cases, level, 1));
  const ranges = RANGE_LEVELS.flatMap((level) => groupsOf(cases, level, RANGE_ROWS_MIN));
  return [...groupsOf(cases, EVERYTHING, 1), ...means, ...ranges];
}

function groupsOf(cases: readonly GroupedCase[], level: Level, rowsMin: number): LengthGroup[] {
  const lengths = new Map<string, number[]>();
  for (const { facts, model, remaining } of cases) {
    const key = JSON.stringify(level(facts, model));
    const group = lengths.get(key);
    if (group === undefined) lengths.set(key, [remaining]);
    else group.push(remaining);
  }
  return [...lengths]
    .filter(([, values]) => values.length >= rowsMin)
    .sort(([keyA, a], [keyB, b]) => b.length - a.length || (keyA < keyB ? -1 : 1))
    .slice(0, LEVEL_GROUPS_MAX)
    .map(([key, values]) => groupOf(key, values));
}

function groupOf(key: string, values: readonly number[]): LengthGroup {
  const sorted = Float64Array.from(values).sort();
  const rows = sorted.length;
  const at = (share: number): number => sorted[Math.floor(share * (rows - 1))] ?? 0;
  return {
    key,
    rows,
    meanLog: sorted.reduce((sum, value) => sum + Math.log1p(value), 0) / rows,
    mean: sorted.reduce((sum, value) => sum + value, 0) / rows,
    low: at(LOW_SHARE),
    high: at(HIGH_SHARE),
  };
}

/** Means of ln(1 + remaining tokens), each leaning on coarser groups as far as it has few rows. */
export interface GroupMeans {
  readonly kind: number;
  readonly model: number;
  readonly both: number;
}

/** Rows of its own that weigh as much in a group's mean as what it leans on. */
const LEANING_ROWS = 100;
/** The same for the mean of a prediction and of its group. */
const SHRINKING_ROWS = 10;

/** Looks groups up. */
export class GroupIndex {
  readonly #groups: ReadonlyMap<string, LengthGroup>;
  readonly #all: LengthGroup;

  /** @param groups as `fitGroups` makes them. */
  constructor(groups: readonly LengthGroup[]) {
    this.#groups = new Map(groups.map((group) => [group.key, group]));
    const all = this.#groups.get(
      JSON.stringify(EVERYTHING({ kind: "", role: null, stage: 0 }, "")),
    );
    if (all === undefined) throw new Error("the group of all cases is missing");
    this.#all = all;
  }

  means(traits: Traits, model: string): GroupMeans {
    const overall = this.#all.meanLog;
    const ofModel = this.#leaning(MEAN_LEVELS.model(traits, model), overall);
    const ofKind = this.#leaning(MEAN_LEVELS.kind(traits), overall);
    const both = this.#leaning(MEAN_LEVELS.both(traits, model), ofModel + ofKind - overall);
    return { kind: ofKind, model: ofModel, both };
  }

  /** A predicted mean inside the middle 90 % of its group, and drawn towards the group's mean where that has few rows. */
  bounded(mean: number, traits: Traits, model: string): number {
    const group = this.#rangeOf(traits, model);
    const weight = group.rows / (group.rows + SHRINKING_ROWS);
    const clipped = Math.min(Math.max(mean, group.low), group.high);
    return weight * clipped + (1 - weight) * Math.min(group.mean, group.high);
  }

  #leaning(level: readonly (string | number | null)[], prior: number): number {
    const group = this.#groups.get(JSON.stringify(level));
    if (group === undefined) return prior;
    const sum = group.rows * group.meanLog + LEANING_ROWS * prior;
    return sum / (group.rows + LEANING_ROWS);
  }

  #rangeOf(traits: Traits, model: string): LengthGroup {
    for (const level of RANGE_LEVELS) {
      const group = this.#groups.get(JSON.stringify(level(traits, model)));
      if (group !== undefined) return group;
    }
    return this.#all;
  }
}
