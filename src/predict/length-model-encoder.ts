import { createSparseMatrix } from "../learn/sparse.ts";
import { fitSvd, project, type Svd } from "../learn/svd.ts";
import { CATEGORIES_MAX, type Feature } from "../learn/table.ts";
import { createTextReader, fitVocabulary, type Vocabulary } from "../learn/text.ts";
import {
  lengthNumberNames,
  readLengthNumbers,
  taskTextOf,
  type LengthRecipe,
} from "./length-features.ts";
import {
  fitGroups,
  GroupIndex,
  type GroupedCase,
  type LengthGroup,
} from "./length-model-groups.ts";
import type { StageFacts } from "./port.ts";
import { RecentMap } from "./recent-map.ts";

/** Names by category: a name's place is its code. */
export interface LengthCategories {
  readonly models: readonly string[];
  readonly roles: readonly string[];
  readonly kinds: readonly string[];
}

/** What turns facts into a row of numbers. */
export interface LengthEncoder {
  readonly recipe: LengthRecipe;
  readonly categories: LengthCategories;
  readonly groups: readonly LengthGroup[];
  /** Null where the texts held no word that is frequent enough. */
  readonly text: { readonly vocabulary: Vocabulary; readonly svd: Svd } | null;
}

const TERMS_MAX = 5000;
const TERM_DOCUMENTS_MIN = 2;
const AXES: Readonly<Record<LengthRecipe, number>> = { paper: 32, default: 16 };
const GROUP_MEANS = ["mean.kind", "mean.model", "mean.both"];

/** Learns categories, groups and the axes of the users' prompts. */
export function fitEncoder(
  cases: readonly GroupedCase[],
  recipe: LengthRecipe,
  seed: number,
): LengthEncoder {
  return {
    recipe,
    categories: {
      models: categoriesOf(cases.map(({ model }) => model)),
      roles: categoriesOf(cases.map(({ facts }) => roleOf(facts))),
      kinds: categoriesOf(cases.map(({ facts }) => facts.kind)),
    },
    groups: fitGroups(cases),
    text: fitText(new Set(cases.map(({ facts }) => taskTextOf(facts))), recipe, seed),
  };
}

/** The names, the most frequent first; rarer ones than there are codes for count as missing. */
function categoriesOf(names: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts]
    .sort(([nameA, a], [nameB, b]) => b - a || (nameA < nameB ? -1 : 1))
    .slice(0, CATEGORIES_MAX)
    .map(([name]) => name);
}

function roleOf({ role }: StageFacts): string {
  return role ?? "";
}

function fitText(
  texts: ReadonlySet<string>,
  recipe: LengthRecipe,
  seed: number,
): LengthEncoder["text"] {
  const vocabulary = fitVocabulary(texts, {
    termsMax: TERMS_MAX,
    documentsMin: TERM_DOCUMENTS_MIN,
    wordsPerTermMax: 2,
    isSublinear: recipe === "default",
  });
  const termCount = vocabulary.hashes.length;
  if (termCount === 0) return null;
  const rows = Array.from(texts, createTextReader(vocabulary));
  const options = { rank: AXES[recipe], seed, oversampling: 10, iterations: 5 };
  return { vocabulary, svd: fitSvd(createSparseMatrix(rows, termCount), options) };
}

/** The columns of a row, in their order. */
export function encoderFeatures({ recipe, categories, text }: LengthEncoder): Feature[] {
  return [
    { name: "model", categories: categories.models.length },
    { name: "role", categories: categories.roles.length },
    { name: "kind", categories: categories.kinds.length },
    ...(recipe === "default" ? GROUP_MEANS.map(numberFeature) : []),
    ...lengthNumberNames(recipe).map(numberFeature),
    ...Array.from({ length: text?.svd.rank ?? 0 }, (_, axis) => numberFeature(`task.axis${axis}`)),
  ];
}

function numberFeature(name: string): Feature {
  return { name, categories: null };
}

/** A stage's row, still without its model. */
export interface LengthFeatures {
  readonly facts: StageFacts;
  readonly row: Float32Array;
}

/** Writes rows. For one caller at a time: it reuses its room. */
export interface RowWriter {
  /** All that does not depend on the model: the dear part. */
  readonly features: (facts: StageFacts) => LengthFeatures;
  /** Completes the row for a model, in place. */
  readonly setModel: (features: LengthFeatures, model: string) => Float32Array;
}

/** Task texts whose place on the axes is remembered: those of workflows under way, 32 KiB each at most. */
const TEXTS_REMEMBERED_MAX = 512;

export function createRowWriter(encoder: LengthEncoder): RowWriter {
  const { recipe, categories, groups, text } = encoder;
  const index = new GroupIndex(groups);
  const codes = {
    models: codesOf(categories.models),
    roles: codesOf(categories.roles),
    kinds: codesOf(categories.kinds),
  };
  const hasMeans = recipe === "default";
  const numbersAt = 3 + (hasMeans ? GROUP_MEANS.length : 0);
  const axesAt = numbersAt + lengthNumberNames(recipe).length;
  const writeAxes = createAxesWriter(text);
  const length = axesAt + (text?.svd.rank ?? 0);
  return {
    features: (facts) => {
      const row = new Float32Array(length);
      row[1] = codes.roles.get(roleOf(facts)) ?? Number.NaN;
      row[2] = codes.kinds.get(facts.kind) ?? Number.NaN;
      readLengthNumbers(facts, recipe, row.subarray(numbersAt, axesAt));
      writeAxes(taskTextOf(facts), row.subarray(axesAt));
      return { facts, row };
    },
    setModel: ({ facts, row }, model) => {
      row[0] = codes.models.get(model) ?? Number.NaN;
      if (!hasMeans) return row;
      const means = index.means(facts, model);
      row[3] = means.kind;
      row[4] = means.model;
      row[5] = means.both;
      return row;
    },
  };
}

function codesOf(names: readonly string[]): ReadonlyMap<string, number> {
  return new Map(names.map((name, code) => [name, code]));
}

/** The stages of a workflow share their task; its words are weighed once. */
function createAxesWriter(text: LengthEncoder["text"]): (task: string, into: Float32Array) => void {
  if (text === null) return () => undefined;
  const readText = createTextReader(text.vocabulary);
  const remembered = new RecentMap<Float32Array>(TEXTS_REMEMBERED_MAX);
  return (task, into) => {
    let axes = remembered.get(task);
    if (axes === undefined) {
      axes = new Float32Array(text.svd.rank);
      project(text.svd, readText(task), axes);
      remembered.set(task, axes);
    }
    into.set(axes);
  };
}
