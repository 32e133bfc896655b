/** What a stage is grouped by. A null model: served by more than one, so only groups of all models learn from it. */
export interface GroupTraits {
  readonly kind: string;
  readonly role: string | null;
  readonly stage: number;
  readonly model: string | null;
}

export interface Level {
  readonly name: string;
  readonly byModel: boolean;
  /** No two groups share a key, whatever stands in their names. */
  readonly keyOf: (traits: GroupTraits) => string;
}

type Trait = keyof GroupTraits;

/** Stages from here on are one group. */
export const STAGES_APART: number = 32;

/** The level at which calls of one kind on one model are averaged over roles and stages. */
export const KIND_AND_MODEL: Level = level(["kind", "model"]);

/**
 * The groups that a stage belongs to, coarse to fine: each leans on those before it as far as it has
 * seen little itself. Groups without a model answer for models never seen. Coarse groups that mix
 * stages stand first: with a fine one of few cases they would outweigh those that tell stages apart.
 */
export const LEVELS: readonly Level[] = [
  level([]),
  level(["model"]),
  KIND_AND_MODEL,
  level(["role", "stage"]),
  level(["kind", "role", "stage"]),
  level(["role", "stage", "model"]),
  level(["kind", "role", "stage", "model"]),
];

/** Keys of the groups of a stage, in the order of `LEVELS`. */
export function groupKeys(traits: GroupTraits): readonly string[] {
  return LEVELS.map((each) => each.keyOf(traits));
}

/** The level whose groups share the given traits. */
export function level(traits: readonly Trait[]): Level {
  const name = traits.length === 0 ? "everything" : traits.join("+");
  const byKind = traits.includes("kind");
  const byRole = traits.includes("role");
  const byStage = traits.includes("stage");
  const byModel = traits.includes("model");
  const keyOf = (of: GroupTraits): string => {
    const kind = byKind ? of.kind : "";
    const role = byRole ? (of.role ?? "") : "";
    const stage = byStage ? Math.min(of.stage, STAGES_APART) : "";
    const model = byModel ? (of.model ?? "") : "";
    return `${name}:${stage}:${kind.length}:${role.length}:${kind}${role}${model}`;
  };
  return { name, byModel, keyOf };
}
