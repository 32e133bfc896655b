import { assert } from "../core/assert.ts";
import { checksum } from "./checksum.ts";
import { isHeader, SECTION_TYPES, type SectionEntry } from "./model-header.ts";
import type { Feature } from "./table.ts";

/** The numbers of a model: named arrays, kept in the file as they lie in memory. */
export type Section = Uint8Array | Uint16Array | Uint32Array | Float32Array | Float64Array;
export type Sections = Readonly<Record<string, Section>>;

/** Plain data about a training: rows, seed, date, scores. */
export type Facts = Readonly<Record<string, unknown>>;

/** What a model file holds. */
export interface ModelFile {
  /** What the model is for, and the version of what its sections mean: the reader's to compare. */
  readonly kind: string;
  readonly schema: number;
  /** The inputs, in the order in which the model reads them. */
  readonly features: readonly Feature[];
  readonly facts: Facts;
  readonly sections: Sections;
}

/**
 * Why bytes are no model:
 * - not-a-model: they do not begin like one;
 * - other-version: the file was written by another version of this format;
 * - damaged: cut short, or changed since it was written;
 * - unfit: whole, but its sections do not make the model that was asked for.
 */
export interface ModelFault {
  readonly code: "not-a-model" | "other-version" | "damaged" | "unfit";
  readonly message: string;
}

export type Decoded<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly fault: ModelFault };

/**
 * All numbers little-endian: 8 bytes of magic, version, checksum of all that follows, length of the
 * file, length of the header (32 bits each), the header as JSON, then the sections, each from a
 * multiple of 8 bytes on.
 */
const MAGIC = "chimera\n";
const VERSION = 1;
const VERSION_AT = 8;
const CHECKSUM_AT = 12;
const CHECKED_FROM = 16;
const FILE_LENGTH_AT = 16;
const HEADER_LENGTH_AT = 20;
const HEADER_AT = 24;
const ALIGNMENT_BYTES = 8;
const FILE_BYTES_MAX = 0xffffffff;

/** Writes a model as bytes. Facts that JSON cannot hold are lost as JSON loses them. */
export function encodeModelFile(model: ModelFile): Uint8Array<ArrayBuffer> {
  assert(isLittleEndian(), "model files are written on little-endian machines");
  const { sections, ...about } = model;
  let place = 0;
  const entries = Object.entries(sections).map(([name, section]): SectionEntry => {
    const start = place;
    place = aligned(start + section.byteLength);
    return { name, type: typeOf(section), start, length: section.length };
  });
  const header = new TextEncoder().encode(JSON.stringify({ ...about, sections: entries }));
  assert(isHeader(JSON.parse(new TextDecoder().decode(header))), "a header can be read again");
  const base = aligned(HEADER_AT + header.length);
  assert(base + place <= FILE_BYTES_MAX, "a model file has less than 4 GiB");
  const bytes = new Uint8Array(base + place);
  bytes.set(new TextEncoder().encode(MAGIC));
  bytes.set(header, HEADER_AT);
  for (const { name, start } of entries) {
    const section = sections[name] ?? new Uint8Array();
    bytes.set(new Uint8Array(section.buffer, section.byteOffset, section.byteLength), base + start);
  }
  const view = new DataView(bytes.buffer);
  view.setUint32(VERSION_AT, VERSION, true);
  view.setUint32(FILE_LENGTH_AT, bytes.length, true);
  view.setUint32(HEADER_LENGTH_AT, header.length, true);
  view.setUint32(CHECKSUM_AT, checksum(bytes.subarray(CHECKED_FROM)), true);
  return bytes;
}

/**
 * Reads a model. The sections are views of the given bytes where these lie at a multiple of 8, so that
 * nothing is parsed or copied; the bytes must not be changed afterwards.
 */
export function decodeModelFile(bytes: Uint8Array): Decoded<ModelFile> {
  const start = new TextDecoder("latin1").decode(bytes.subarray(0, MAGIC.length));
  if (start !== MAGIC) return fault("not-a-model", "the file does not begin like a model");
  if (bytes.length < HEADER_AT) return fault("damaged", "the file is cut short");
  if (!isLittleEndian()) return fault("other-version", "this machine is not little-endian");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint32(VERSION_AT, true);
  if (version !== VERSION) {
    return fault("other-version", `the file has version ${version}, this program reads ${VERSION}`);
  }
  const length = view.getUint32(FILE_LENGTH_AT, true);
  if (length !== bytes.length) {
    return fault("damaged", `the file has ${bytes.length} bytes instead of ${length}`);
  }
  if (checksum(bytes.subarray(CHECKED_FROM)) !== view.getUint32(CHECKSUM_AT, true)) {
    return fault("damaged", "the checksum does not match");
  }
  return readHeader(bytes, view.getUint32(HEADER_LENGTH_AT, true));
}

function readHeader(bytes: Uint8Array, headerLength: number): Decoded<ModelFile> {
  const base = aligned(HEADER_AT + headerLength);
  if (base > bytes.length) return fault("damaged", "the header does not end");
  const header = parseJson(
    new TextDecoder().decode(bytes.subarray(HEADER_AT, HEADER_AT + headerLength)),
  );
  if (!isHeader(header)) return fault("damaged", "the header is not one of a model");
  const body = alignedBody(bytes.subarray(base));
  const sections: Record<string, Section> = {};
  for (const { name, type, start, length } of header.sections) {
    const { create, bytesPerNumber } = SECTION_TYPES[type];
    const fits = start % ALIGNMENT_BYTES === 0 && start + length * bytesPerNumber <= body.length;
    if (!fits) return fault("damaged", `section ${name} does not lie in the file`);
    sections[name] = create(body.buffer, body.byteOffset + start, length);
  }
  const { kind, schema, features, facts } = header;
  return { ok: true, value: { kind, schema, features, facts, sections } };
}

/** A fault as a result. */
export function fault(code: ModelFault["code"], message: string): Decoded<never> {
  return { ok: false, fault: { code, message } };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function alignedBody(body: Uint8Array): Uint8Array {
  return body.byteOffset % ALIGNMENT_BYTES === 0 ? body : body.slice();
}

function aligned(length: number): number {
  return Math.ceil(length / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
}

function typeOf(section: Section): SectionEntry["type"] {
  if (section instanceof Uint8Array) return "u8";
  if (section instanceof Uint16Array) return "u16";
  if (section instanceof Uint32Array) return "u32";
  return section instanceof Float32Array ? "f32" : "f64";
}

function isLittleEndian(): boolean {
  return new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
}
