import { CATEGORIES_MAX, FEATURES_MAX, type Feature } from "./table.ts";

/** The JSON at the start of a model file. */
export interface ModelHeader {
  readonly kind: string;
  readonly schema: number;
  readonly features: readonly Feature[];
  readonly facts: Readonly<Record<string, unknown>>;
  readonly sections: readonly SectionEntry[];
}

/** Where a section lies: bytes from the first section on, and its length in numbers. */
export interface SectionEntry {
  readonly name: string;
  readonly type: keyof typeof SECTION_TYPES;
  readonly start: number;
  readonly length: number;
}

interface SectionType {
  readonly bytesPerNumber: number;
  readonly create: (
    buffer: ArrayBufferLike,
    start: number,
    length: number,
  ) => Uint8Array | Uint16Array | Uint32Array | Float32Array | Float64Array;
}

export const SECTION_TYPES: Readonly<Record<"u8" | "u16" | "u32" | "f32" | "f64", SectionType>> = {
  u8: { bytesPerNumber: 1, create: (buffer, at, length) => new Uint8Array(buffer, at, length) },
  u16: { bytesPerNumber: 2, create: (buffer, at, length) => new Uint16Array(buffer, at, length) },
  u32: { bytesPerNumber: 4, create: (buffer, at, length) => new Uint32Array(buffer, at, length) },
  f32: { bytesPerNumber: 4, create: (buffer, at, length) => new Float32Array(buffer, at, length) },
  f64: { bytesPerNumber: 8, create: (buffer, at, length) => new Float64Array(buffer, at, length) },
};

const SECTIONS_MAX = 256;

export function isHeader(value: unknown): value is ModelHeader {
  if (!isRecord(value)) return false;
  const { kind, schema, features, facts, sections } = value;
  return (
    typeof kind === "string" &&
    isCount(schema) &&
    isRecord(facts) &&
    isListOf(features, FEATURES_MAX, isFeature) &&
    isListOf(sections, SECTIONS_MAX, isSectionEntry)
  );
}

function isListOf(
  value: unknown,
  lengthMax: number,
  isOne: (item: unknown) => boolean,
): value is unknown[] {
  return Array.isArray(value) && value.length <= lengthMax && value.every(isOne);
}

function isFeature(value: unknown): value is Feature {
  if (!isRecord(value) || typeof value["name"] !== "string") return false;
  const { categories } = value;
  return categories === null || (isCount(categories) && categories <= CATEGORIES_MAX);
}

function isSectionEntry(value: unknown): value is SectionEntry {
  if (!isRecord(value)) return false;
  const { name, type, start, length } = value;
  const isKnown = typeof type === "string" && Object.hasOwn(SECTION_TYPES, type);
  return typeof name === "string" && isKnown && isCount(start) && isCount(length);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
