import { groupKeys, STAGES_APART, type GroupTraits } from "./ladder.ts";

/** A key for every level, and whatever the owner keeps beside them. */
export interface Place<T> {
  readonly keys: readonly string[];
  /** False where more than one model served: then only groups of all models learn. */
  readonly ofOneModel: boolean;
  kept: T | null;
}

type Stages<T> = (Place<T> | undefined)[];
type Models<T> = Map<string | null, Stages<T>>;

/**
 * The places of stages, found by their traits without building a name for each question: that would
 * cost more than all else. Bounded: when full it begins anew, and keys are built again on demand.
 */
export class GroupPlaces<T> {
  readonly #placesMax: number;
  readonly #kinds = new Map<string, Map<string | null, Models<T>>>();
  #size = 0;

  constructor(placesMax: number) {
    this.#placesMax = placesMax;
  }

  of(traits: Omit<GroupTraits, "model">, model: string | null): Place<T> {
    const { kind, role } = traits;
    const stage = Math.min(traits.stage, STAGES_APART);
    const known = this.#kinds.get(kind)?.get(role)?.get(model)?.[stage];
    if (known !== undefined) return known;
    if (this.#size >= this.#placesMax) this.#clear();
    const roles = at(this.#kinds, kind, () => new Map<string | null, Models<T>>());
    const models = at(roles, role, (): Models<T> => new Map());
    const stages = at(models, model, (): Stages<T> => []);
    const keys = groupKeys({ kind, role, stage, model });
    const place = { keys, ofOneModel: model !== null, kept: null };
    stages[stage] = place;
    this.#size++;
    return place;
  }

  #clear(): void {
    this.#kinds.clear();
    this.#size = 0;
  }
}

function at<K, V>(map: Map<K, V>, key: K, create: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = create();
  map.set(key, made);
  return made;
}
