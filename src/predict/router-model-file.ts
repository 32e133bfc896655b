import { z } from "zod";
import type { PlattMap } from "../learn/calibration.ts";
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
  classifierFromSections,
  classifierSections,
  pickSections,
  prefixSections,
} from "../learn/sections.ts";
import { routerFeatures, type RouterEncoder, type RouterFamily } from "./router-encoder.ts";
import { headColumns, type RouterBase, type RouterHead } from "./router-head.ts";
import type { RouterRates } from "./router-rates.ts";
import { textAxesFromSections, textAxesSections } from "./text-axes.ts";

/** All that was learned from one set of examples. */
export interface RouterParts {
  readonly encoder: RouterEncoder;
  readonly models: readonly string[];
  /** How much better than usual models do on a prompt. */
  readonly difficulty: Forest;
  readonly head: RouterHead;
  readonly facts: Facts;
}

/** What was learned from the examples of one workflow alone. */
export interface RouterSpecialist {
  readonly workflow: string;
  readonly parts: RouterParts;
}

/** All that a router has learned. */
export interface RouterFile {
  /** From all examples. */
  readonly whole: RouterParts;
  readonly specialists: readonly RouterSpecialist[];
}

const KIND = "router";
const SCHEMA = 2;

interface Tables {
  readonly models: readonly string[];
  readonly families: readonly RouterFamily[];
  readonly base: RouterBase;
  readonly calibration: PlattMap;
  /** Workflows of the specialists, in their order. */
  readonly specialists: readonly string[];
}

const tablesSchema: z.ZodType<Tables> = z.object({
  models: z.array(z.string()).min(1),
  families: z.array(z.object({ kind: z.string(), start: z.string() })),
  base: z.object({ intercept: z.number(), rate: z.number(), difficulty: z.number() }),
  calibration: z.object({ slope: z.number(), intercept: z.number() }),
  specialists: z.array(z.string()),
});

/** A router as the bytes of a model file; each specialist is a whole file in a section of it. */
export function encodeRouterModel({ whole, specialists }: RouterFile): Uint8Array<ArrayBuffer> {
  const { encoder, models, difficulty, head, facts } = whole;
  const { families, text } = encoder;
  const tables: Tables = {
    models,
    families,
    base: head.base,
    calibration: head.calibration,
    specialists: specialists.map(({ workflow }) => workflow),
  };
  const nested = specialists.map(({ parts }, place): [string, Uint8Array] => [
    specialistSection(place),
    encodeRouterModel({ whole: parts, specialists: [] }),
  ]);
  return encodeModelFile({
    kind: KIND,
    schema: SCHEMA,
    features: routerFeatures(encoder),
    facts,
    sections: {
      tables: new TextEncoder().encode(JSON.stringify(tables)),
      ...textAxesSections(text),
      ...prefixSections("difficulty", forestSections(difficulty)),
      ...prefixSections("classifier", classifierSections(head.classifier)),
      ...prefixSections("rates", { rows: head.rates.rows, sums: head.rates.sums }),
      ...Object.fromEntries(nested),
    },
  });
}

function specialistSection(place: number): string {
  return `specialist${place}`;
}

/**
 * Reads a router; the bytes must not be changed afterwards.
 * @returns the fault of the file, "other-version" for another schema, or "unfit" for a model of
 * something else, of other features than this program reads, or with parts that do not belong together.
 */
export function decodeRouterModel(bytes: Uint8Array): Decoded<RouterFile> {
  const file = decodeModelFile(bytes);
  if (!file.ok) return file;
  const { kind, schema, sections } = file.value;
  if (kind !== KIND) return fault("unfit", `the file holds a model of ${kind}, not of ${KIND}`);
  if (schema !== SCHEMA) {
    return fault("other-version", `the model has schema ${schema}, this program reads ${SCHEMA}`);
  }
  const tables = readTables(sections);
  if (tables === null) return fault("unfit", "the tables of the model are not whole");
  const whole = readParts(file.value, tables);
  if (!whole.ok) return whole;
  const specialists: RouterSpecialist[] = [];
  for (const [place, workflow] of tables.specialists.entries()) {
    const parts = readSpecialist(sections[specialistSection(place)]);
    if (!parts.ok) return parts;
    specialists.push({ workflow, parts: parts.value });
  }
  return { ok: true, value: { whole: whole.value, specialists } };
}

/** A specialist has none of its own, so that reading ends. */
function readSpecialist(bytes: Sections[string] | undefined): Decoded<RouterParts> {
  if (!(bytes instanceof Uint8Array)) return fault("unfit", "a part of the router is missing");
  const file = decodeModelFile(bytes);
  if (!file.ok) return file;
  const tables = readTables(file.value.sections);
  if (tables === null) return fault("unfit", "the tables of a part are not whole");
  return readParts(file.value, tables);
}

function readParts({ features, facts, sections }: ModelFile, tables: Tables): Decoded<RouterParts> {
  const text = textAxesFromSections(sections);
  if (!text.ok) return text;
  const encoder = { families: tables.families, text: text.value };
  if (!areAlike(features, routerFeatures(encoder))) {
    return fault("unfit", "the model was trained on other features than this program reads");
  }
  const difficulty = forestFromSections(pickSections("difficulty", sections), features);
  if (!difficulty.ok) return difficulty;
  const head = readHead(sections, tables, text.value?.vocabulary.hashes.length ?? 0);
  if (!head.ok) return head;
  const { models } = tables;
  return {
    ok: true,
    value: { encoder, models, difficulty: difficulty.value, head: head.value, facts },
  };
}

function readTables({ tables }: Sections): Tables | null {
  if (!(tables instanceof Uint8Array)) return null;
  try {
    return tablesSchema.parse(JSON.parse(new TextDecoder().decode(tables)));
  } catch {
    return null;
  }
}

function areAlike(some: ModelFile["features"], others: ModelFile["features"]): boolean {
  const isAlike = (feature: (typeof some)[number], place: number): boolean =>
    feature.name === others[place]?.name && feature.categories === others[place].categories;
  return some.length === others.length && some.every(isAlike);
}

function readHead(sections: Sections, tables: Tables, termCount: number): Decoded<RouterHead> {
  const { models, families, base, calibration } = tables;
  const classifier = classifierFromSections(pickSections("classifier", sections));
  if (!classifier.ok) return classifier;
  const { labelCount, weights } = classifier.value;
  const columns = headColumns(termCount, families.length);
  if (labelCount !== models.length || weights.length !== columns * labelCount) {
    return fault("unfit", "the classifier is not one of these models and words");
  }
  const rates = readRates(pickSections("rates", sections), families.length, models.length);
  if (rates === null) return fault("unfit", "the rates are not those of these models");
  return { ok: true, value: { rates, base, classifier: classifier.value, calibration } };
}

function readRates(
  { rows, sums }: Sections,
  familyCount: number,
  modelCount: number,
): RouterRates | null {
  const size = (familyCount + 2) * (modelCount + 1);
  const isFit =
    rows instanceof Float64Array &&
    sums instanceof Float64Array &&
    rows.length === size &&
    sums.length === size;
  return isFit ? { modelCount, rows, sums } : null;
}
