import { z } from "zod";
import { forestFromSections, forestSections } from "../learn/forest-sections.ts";
import type { Forest } from "../learn/forest.ts";
import {
  decodeModelFile,
  encodeModelFile,
  fault,
  type Decoded,
  type Facts,
  type ModelFile,
  type Sections,
} from "../learn/model-file.ts";
import {
  pickSections,
  prefixSections,
  svdFromSections,
  svdSections,
  vocabularyFromSections,
  vocabularySections,
} from "../learn/sections.ts";
import { CATEGORIES_MAX } from "../learn/table.ts";
import { encoderFeatures, type LengthEncoder } from "./length-model-encoder.ts";
import type { LengthGroup } from "./length-model-groups.ts";

/** All that a length predictor has learned. */
export interface LengthParts {
  readonly encoder: LengthEncoder;
  /** Of the output tokens of a stage and all later ones. */
  readonly remaining: Forest;
  /** Of the output tokens of the stage alone. */
  readonly stage: Forest;
  /**
   * Of ln((1 + remaining) / (1 + stage tokens)), and so a second way to the remaining length; null where
   * the first has rows enough.
   */
  readonly growth: Forest | null;
  /** How far intervals are widened, see `LengthMargins`. */
  readonly margins: LengthMargins;
  readonly facts: Facts;
}

/**
 * What is added to the upper and taken from the lower end of an interval, as logarithms of
 * 1 + tokens, so that it covers what it says.
 */
export interface LengthMargins {
  /** Of the interval from 10 to 90 %. */
  readonly outer: number;
  /** Of the one from 25 to 75 %. */
  readonly inner: number;
}

const KIND = "length";
const SCHEMA = 1;

interface Tables {
  readonly recipe: LengthEncoder["recipe"];
  readonly categories: LengthEncoder["categories"];
  readonly groups: readonly LengthGroup[];
  readonly margins: LengthMargins;
}

const names: z.ZodType<string[]> = z.array(z.string()).min(1).max(CATEGORIES_MAX);
const tokens = z.number().nonnegative();
const tablesSchema: z.ZodType<Tables> = z.object({
  recipe: z.enum(["paper", "default"]),
  categories: z.object({ models: names, roles: names, kinds: names }),
  groups: z
    .array(
      z.object({
        key: z.string(),
        rows: z.int().positive(),
        meanLog: tokens,
        mean: tokens,
        low: tokens,
        high: tokens,
      }),
    )
    .refine((groups) => groups.some(({ key }) => key === '["all"]')),
  margins: z.object({ outer: z.number(), inner: z.number() }),
});

/** A predictor as the bytes of a model file. */
export function encodeLengthModel(parts: LengthParts): Uint8Array<ArrayBuffer> {
  const { encoder, remaining, stage, growth, margins, facts } = parts;
  const { recipe, categories, groups, text } = encoder;
  const tables: Tables = { recipe, categories, groups, margins };
  const texts: Sections =
    text === null
      ? {}
      : {
          ...prefixSections("vocabulary", vocabularySections(text.vocabulary)),
          ...prefixSections("axes", svdSections(text.svd)),
        };
  return encodeModelFile({
    kind: KIND,
    schema: SCHEMA,
    features: encoderFeatures(encoder),
    facts,
    sections: {
      tables: new TextEncoder().encode(JSON.stringify(tables)),
      ...texts,
      ...prefixSections("remaining", forestSections(remaining)),
      ...prefixSections("stage", forestSections(stage)),
      ...(growth === null ? {} : prefixSections("growth", forestSections(growth))),
    },
  });
}

/**
 * Reads a predictor; the bytes must not be changed afterwards.
 * @returns the fault of the file, "other-version" for another schema, or "unfit" for a model of
 * something else or of other features than this program reads.
 */
export function decodeLengthModel(bytes: Uint8Array): Decoded<LengthParts> {
  const file = decodeModelFile(bytes);
  if (!file.ok) return file;
  const { kind, schema, features, facts, sections } = file.value;
  if (kind !== KIND) return fault("unfit", `the file holds a model of ${kind}, not of ${KIND}`);
  if (schema !== SCHEMA) {
    return fault("other-version", `the model has schema ${schema}, this program reads ${SCHEMA}`);
  }
  const tables = readTables(sections);
  if (tables === null) return fault("unfit", "the tables of the model are not whole");
  const text = readText(sections);
  if (!text.ok) return text;
  const { margins, ...encoded } = tables;
  const encoder = { ...encoded, text: text.value };
  const difference = otherFeature(features, encoder);
  if (difference !== null) return fault("unfit", difference);
  const remaining = forestFromSections(pickSections("remaining", sections), features);
  if (!remaining.ok) return remaining;
  const stage = forestFromSections(pickSections("stage", sections), features);
  if (!stage.ok) return stage;
  const growth = readGrowth(sections, features);
  if (!growth.ok) return growth;
  const forests = { remaining: remaining.value, stage: stage.value, growth: growth.value };
  return { ok: true, value: { encoder, ...forests, margins, facts } };
}

function readGrowth(sections: Sections, features: ModelFile["features"]): Decoded<Forest | null> {
  const part = pickSections("growth", sections);
  if (Object.keys(part).length === 0) return { ok: true, value: null };
  return forestFromSections(part, features);
}

function readTables({ tables }: Sections): Tables | null {
  if (!(tables instanceof Uint8Array)) return null;
  try {
    return tablesSchema.parse(JSON.parse(new TextDecoder().decode(tables)));
  } catch {
    return null;
  }
}

function readText(sections: Sections): Decoded<LengthEncoder["text"]> {
  const part = pickSections("vocabulary", sections);
  if (Object.keys(part).length === 0) return { ok: true, value: null };
  const vocabulary = vocabularyFromSections(part);
  if (!vocabulary.ok) return vocabulary;
  const svd = svdFromSections(pickSections("axes", sections));
  if (!svd.ok) return svd;
  const termCount = svd.value.components.length / svd.value.rank;
  if (termCount !== vocabulary.value.hashes.length) {
    return fault("unfit", "the vocabulary and its axes do not belong together");
  }
  return { ok: true, value: { vocabulary: vocabulary.value, svd: svd.value } };
}

/** Says where the features of a file differ from those this program would compute. */
function otherFeature(features: ModelFile["features"], encoder: LengthEncoder): string | null {
  const own = encoderFeatures(encoder);
  for (let index = 0; index < Math.max(own.length, features.length); index++) {
    const [ours, theirs] = [own[index], features[index]];
    if (ours?.name === theirs?.name && ours?.categories === theirs?.categories) continue;
    const found = theirs === undefined ? "nothing" : theirs.name;
    const expected = ours === undefined ? "nothing" : ours.name;
    return `the model was trained on other features: ${found} stands where ${expected} is read`;
  }
  return null;
}
