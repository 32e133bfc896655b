import type { SparseRow } from "../learn/sparse.ts";
import { project } from "../learn/svd.ts";
import { CATEGORIES_MAX, type Feature } from "../learn/table.ts";
import { createTextReader } from "../learn/text.ts";
import type { StageFacts } from "./port.ts";
import { commonStart, PROMPT_NUMBERS, promptNumbers, promptTextOf } from "./router-features.ts";
import { fitTextAxes, type TextAxes } from "./text-axes.ts";

/** A family of prompts: a kind of workflow with texts enough to tell what they have in common. */
export interface RouterFamily {
  readonly kind: string;
  /** How its texts begin: a template that says nothing of the task, and is not read. */
  readonly start: string;
}

/** What turns a prompt into numbers. */
export interface RouterEncoder {
  readonly families: readonly RouterFamily[];
  /** Null where the texts held no word that is frequent enough. */
  readonly text: TextAxes | null;
}

/** A prompt as numbers. */
export interface RouterPrompt {
  /** Place in `families`; their number for all other kinds. */
  readonly family: number;
  /** Weights of the terms of what follows the template. */
  readonly terms: SparseRow;
  /** The row of the forest: family, counts, axes. */
  readonly row: Float32Array;
}

type Prompted = Pick<StageFacts, "kind" | "text">;

/** Distinct texts that make a kind a family. */
const FAMILY_TEXTS_MIN = 5;
/** Shorter common starts are no sign of a template. */
const TEMPLATE_CHARACTERS_MIN = 200;
const AXES = 64;

/** Learns families, vocabulary and axes from the texts alone; no outcome is looked at. */
export function fitRouterEncoder(prompts: readonly Prompted[], seed: number): RouterEncoder {
  const families = fitFamilies(prompts);
  const cut = createCutter(families);
  const texts = new Set<string>();
  for (const { kind, text } of prompts) {
    const whole = promptTextOf(text);
    if (whole !== null) texts.add(cut(kind, whole).rest);
  }
  return { families, text: fitTextAxes(texts, AXES, seed) };
}

function fitFamilies(prompts: readonly Prompted[]): RouterFamily[] {
  const textsOf = new Map<string, Set<string>>();
  for (const { kind, text } of prompts) {
    const whole = promptTextOf(text);
    if (kind === "unknown" || whole === null) continue;
    const texts = textsOf.get(kind) ?? new Set();
    textsOf.set(kind, texts.add(whole));
  }
  return [...textsOf]
    .filter(([, texts]) => texts.size >= FAMILY_TEXTS_MIN)
    .sort(([kindA, a], [kindB, b]) => b.size - a.size || (kindA < kindB ? -1 : 1))
    .slice(0, CATEGORIES_MAX - 1)
    .map(([kind, texts]) => ({ kind, start: startOf(texts) }));
}

function startOf(texts: ReadonlySet<string>): string {
  let start: string | null = null;
  for (const text of texts) start = text.slice(0, commonStart(start ?? text, text));
  return start ?? "";
}

/** The columns of a prompt's row, in their order. */
export function routerFeatures({ families, text }: RouterEncoder): Feature[] {
  const names = [
    ...PROMPT_NUMBERS,
    ...Array.from({ length: text?.svd.rank ?? 0 }, (_, axis) => `axis${axis}`),
  ];
  return [
    { name: "family", categories: families.length + 1 },
    ...names.map((name) => ({ name, categories: null })),
  ];
}

/** Reads prompts, null for one without text. For one caller at a time: it reuses its room. */
export function createPromptReader(
  encoder: RouterEncoder,
): (prompt: Prompted) => RouterPrompt | null {
  const { families, text } = encoder;
  const cut = createCutter(families);
  const readTerms = text === null ? null : createTextReader(text.vocabulary);
  const axesAt = 1 + PROMPT_NUMBERS.length;
  const length = axesAt + (text?.svd.rank ?? 0);
  return (prompt) => {
    const whole = promptTextOf(prompt.text);
    if (whole === null) return null;
    const { family, rest } = cut(prompt.kind, whole);
    const terms = readTerms?.(rest) ?? { columns: new Uint32Array(), values: new Float64Array() };
    const row = new Float32Array(length);
    row[0] = family;
    row.set(promptNumbers(rest), 1);
    if (text !== null) project(text.svd, terms, row.subarray(axesAt));
    return { family, terms, row };
  };
}

/**
 * The family of a prompt: its kind's, else the one whose template it begins with; the number of
 * families for one of none.
 */
export function createFamilyIndex(
  families: readonly RouterFamily[],
): (kind: string, text: string | null) => number {
  const places = new Map(families.map(({ kind }, place) => [kind, place]));
  const templates = families
    .map(({ start }, place) => ({ start, place }))
    .filter(({ start }) => start.length >= TEMPLATE_CHARACTERS_MIN)
    .sort((a, b) => b.start.length - a.start.length || a.place - b.place);
  return (kind, text) =>
    places.get(kind) ??
    templates.find(({ start }) => text?.startsWith(start))?.place ??
    families.length;
}

type Cutter = (kind: string, text: string) => { readonly family: number; readonly rest: string };

function createCutter(families: readonly RouterFamily[]): Cutter {
  const familyOf = createFamilyIndex(families);
  return (kind, text) => {
    const family = familyOf(kind, text);
    const start = families[family]?.start ?? "";
    return { family, rest: text.slice(commonStart(start, text)) };
  };
}
