import { RecentMap } from "./recent-map.ts";

/** Scores that weigh as much as what stands behind them: the prior, or the model's overall rate. */
const PRIOR_SCORES = 10;
/** Beyond so many scores older ones fade. */
const SCORES_MAX = 500;
/** A prior of 0 or 1 could never be learned away. */
const PRIOR_MIN = 0.01;

/** Weighted scores of one model, overall or on one kind of workflow. */
export interface Tally {
  readonly weight: number;
  readonly sum: number;
}

export interface ConfidenceState {
  readonly overall: readonly (readonly [key: string, tally: Tally])[];
  readonly byKind: readonly (readonly [key: string, tally: Tally])[];
}

export interface ConfidenceOptions {
  /** By model, 0..1; a model that is not named has .5. */
  readonly priors: Readonly<Record<string, number>>;
  /** Tallies kept of each sort; the one longest without news leaves. */
  readonly talliesMax: number;
}

/** Probability that a model solves a workflow's task: a prior, moved by the scores that were reported. */
export class Confidence {
  readonly #priors: ReadonlyMap<string, number>;
  readonly #overall: RecentMap<Tally>;
  readonly #byKind: RecentMap<Tally>;
  /** Keys of `#byKind`, by kind and model: to find one costs less than to build it. */
  readonly #keys = new Map<string, Map<string, string>>();
  readonly #keysMax: number;
  #keyCount = 0;

  constructor(options: ConfidenceOptions, state?: ConfidenceState) {
    this.#priors = new Map(Object.entries(options.priors));
    this.#overall = new RecentMap(options.talliesMax, state?.overall);
    this.#byKind = new RecentMap(options.talliesMax, state?.byKind);
    this.#keysMax = options.talliesMax;
  }

  /** Always within (0, 1). */
  of(kind: string, model: string): number {
    const prior = this.#priors.get(model) ?? 0.5;
    const held = Math.min(Math.max(prior, PRIOR_MIN), 1 - PRIOR_MIN);
    const overall = shrunk(this.#overall.get(model), held);
    return shrunk(this.#byKind.get(this.#keyOf(kind, model)), overall);
  }

  /**
   * @param score 0..1
   * @param weight the model's share in the workflow, 0..1
   */
  add(kind: string, model: string, score: number, weight: number): void {
    addTo(this.#overall, model, { weight, sum: weight * score });
    addTo(this.#byKind, this.#keyOf(kind, model), { weight, sum: weight * score });
  }

  state(): ConfidenceState {
    return { overall: this.#overall.entries(), byKind: this.#byKind.entries() };
  }

  #keyOf(kind: string, model: string): string {
    const known = this.#keys.get(kind)?.get(model);
    if (known !== undefined) return known;
    if (this.#keyCount >= this.#keysMax) {
      this.#keys.clear();
      this.#keyCount = 0;
    }
    const key = `${kind.length}:${kind}${model}`;
    const models = this.#keys.get(kind) ?? new Map<string, string>();
    this.#keys.set(kind, models.set(model, key));
    this.#keyCount++;
    return key;
  }
}

function addTo(tallies: RecentMap<Tally>, key: string, seen: Tally): void {
  const { weight, sum } = tallies.get(key) ?? { weight: 0, sum: 0 };
  const kept = weight < SCORES_MAX ? 1 : 1 - seen.weight / SCORES_MAX;
  tallies.set(key, { weight: weight * kept + seen.weight, sum: sum * kept + seen.sum });
}

function shrunk(tally: Tally | undefined, towards: number): number {
  if (tally === undefined) return towards;
  return (tally.sum + PRIOR_SCORES * towards) / (tally.weight + PRIOR_SCORES);
}
