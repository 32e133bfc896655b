import { assert } from "../core/assert.ts";
import type { SparseRow } from "./sparse.ts";

/**
 * Words and pairs of neighbouring words weighted by how rare they are: TF-IDF as scikit-learn's
 * TfidfVectorizer defines it (smooth idf, unit length), over a bounded vocabulary. Terms are kept as
 * 32-bit hashes: a vocabulary is two typed arrays, and no string is made for a pair.
 */
export interface Vocabulary {
  /** Hashes of the terms, rising; a term's column is its place. */
  readonly hashes: Uint32Array;
  /** ln((1 + documents) / (1 + documents with the term)) + 1, per column. */
  readonly idf: Float64Array;
  /** 1: words; 2: words and pairs. */
  readonly wordsPerTermMax: 1 | 2;
  /** Whether a term's count n weighs 1 + ln n instead of n. */
  readonly isSublinear: boolean;
}

export interface VocabularyOptions {
  /** The most frequent terms are kept. */
  readonly termsMax: number;
  /** Documents in which a term must occur. */
  readonly documentsMin: number;
  readonly wordsPerTermMax: 1 | 2;
  readonly isSublinear: boolean;
}

/** Distinct terms that fitting remembers; those that first come after that are not counted. */
const TERMS_SEEN_MAX = 4_000_000;

/** Two letters, digits or underscores and more, of any script. */
const WORD = /[\p{L}\p{N}_]{2,}/gu;

const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;
const PAIR_SALT = 0x9e3779b9;

/** The vocabulary of a set of texts. No texts, or none with a term that is frequent enough, give an empty one. */
export function fitVocabulary(texts: Iterable<string>, options: VocabularyOptions): Vocabulary {
  assert(options.termsMax >= 0 && options.documentsMin >= 1, "a vocabulary is bounded");
  const slots = new Map<number, number>();
  const counts: number[] = [];
  const documents: number[] = [];
  const lastDocument: number[] = [];
  let documentCount = 0;
  for (const text of texts) {
    documentCount++;
    for (const hash of hashTerms(text, options.wordsPerTermMax)) {
      const slot = slots.get(hash) ?? slots.size;
      if (slot === TERMS_SEEN_MAX) continue;
      if (slot === slots.size) {
        slots.set(hash, slot);
        counts.push(0);
        documents.push(0);
        lastDocument.push(0);
      }
      counts[slot] = (counts[slot] ?? 0) + 1;
      if (lastDocument[slot] === documentCount) continue;
      lastDocument[slot] = documentCount;
      documents[slot] = (documents[slot] ?? 0) + 1;
    }
  }
  const kept = [...slots]
    .filter(([, slot]) => (documents[slot] ?? 0) >= options.documentsMin)
    .sort(([hashA, a], [hashB, b]) => (counts[b] ?? 0) - (counts[a] ?? 0) || hashA - hashB)
    .slice(0, options.termsMax)
    .sort(([hashA], [hashB]) => hashA - hashB);
  const { wordsPerTermMax, isSublinear } = options;
  return {
    hashes: Uint32Array.from(kept, ([hash]) => hash),
    idf: Float64Array.from(
      kept,
      ([, slot]) => Math.log((1 + documentCount) / (1 + (documents[slot] ?? 0))) + 1,
    ),
    wordsPerTermMax,
    isSublinear,
  };
}

/** Hashes of a text's terms in their order, each word followed by the pair that it ends. */
function hashTerms(text: string, wordsPerTermMax: 1 | 2): Uint32Array {
  const words = text.toLowerCase().match(WORD) ?? [];
  const hashes = new Uint32Array(wordsPerTermMax * words.length);
  let count = 0;
  let before = 0;
  for (const [index, word] of words.entries()) {
    const hash = hashWord(word);
    hashes[count++] = hash;
    if (wordsPerTermMax === 2 && index > 0) {
      hashes[count++] = mix(Math.imul(before, FNV_PRIME) ^ hash ^ PAIR_SALT);
    }
    before = hash;
  }
  return hashes.subarray(0, count);
}

/** FNV-1a over UTF-16 units, with MurmurHash3's last step. */
function hashWord(word: string): number {
  let hash = FNV_OFFSET;
  for (let index = 0; index < word.length; index++) {
    hash = Math.imul(hash ^ word.charCodeAt(index), FNV_PRIME);
  }
  return mix(hash);
}

function mix(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/**
 * Weighs texts by a vocabulary, for one caller at a time: it reuses its room.
 * @returns for a text, the weights of its terms, of unit length together; no entry for a text without
 * a known term.
 */
export function createTextReader(vocabulary: Vocabulary): (text: string) => SparseRow {
  const { idf, wordsPerTermMax, isSublinear } = vocabulary;
  const table = createTermTable(vocabulary.hashes);
  const counts = new Uint32Array(idf.length);
  return (text) => {
    const found: number[] = [];
    for (const hash of hashTerms(text, wordsPerTermMax)) {
      const column = findColumn(table, hash);
      if (column < 0) continue;
      const count = counts[column] ?? 0;
      if (count === 0) found.push(column);
      counts[column] = count + 1;
    }
    const columns = Uint32Array.from(found).sort();
    const values = Float64Array.from(columns, (column) => {
      const count = counts[column] ?? 0;
      counts[column] = 0;
      return (isSublinear ? 1 + Math.log(count) : count) * (idf[column] ?? 0);
    });
    const length = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
    return { columns, values: values.map((value) => value / length) };
  };
}

/** The column of a term (one word, or two with a space between them, in any case), or -1. */
export function columnOfTerm(vocabulary: Vocabulary, term: string): number {
  const hash = hashTerms(term, 2).at(-1);
  return hash === undefined ? -1 : findColumn(createTermTable(vocabulary.hashes), hash);
}

/** Open addressing with linear steps, at most half full. */
interface TermTable {
  readonly hashes: Uint32Array;
  /** Column + 1 by place; 0 is free. */
  readonly places: Uint32Array;
}

function createTermTable(hashes: Uint32Array): TermTable {
  const places = new Uint32Array(2 ** Math.ceil(Math.log2(2 * hashes.length + 1)));
  for (const [column, hash] of hashes.entries()) {
    let place = hash & (places.length - 1);
    while (places[place] !== 0) place = (place + 1) & (places.length - 1);
    places[place] = column + 1;
  }
  return { hashes, places };
}

function findColumn({ hashes, places }: TermTable, hash: number): number {
  for (let place = hash & (places.length - 1); ; place = (place + 1) & (places.length - 1)) {
    const column = (places[place] ?? 0) - 1;
    if (column < 0 || hashes[column] === hash) return column;
  }
}
