/** What a text is made of, as far as lengths follow it: numbers of UTF-16 units, or of runs of them. */
export const TEXT_COUNT_NAMES = [
  "characters",
  "newlines",
  "digits",
  "numbers",
  "words",
  "dollars",
  "backslashes",
  "sentences",
  "marks",
] as const;

export type TextCounts = Readonly<Record<(typeof TEXT_COUNT_NAMES)[number], number>>;

const OTHER = 0;
const BLANK = 1;
const LETTER = 2;
const DIGIT = 3;
const DOLLAR = 4;
const BACKSLASH = 5;
const STOP = 6;
const MARK = 7;
const KIND_COUNT = 8;
const NEWLINE_UNIT = 10;

const ASCII_KINDS: Uint8Array = Uint8Array.from({ length: 128 }, (_, unit) => {
  const character = String.fromCharCode(unit);
  if (/\s/.test(character)) return BLANK;
  if (/[a-z_]/i.test(character)) return LETTER;
  if (/\d/.test(character)) return DIGIT;
  if (character === "$") return DOLLAR;
  if (character === "\\") return BACKSLASH;
  if (/[.?!]/.test(character)) return STOP;
  return /[+\-*/=<>^()[\]{}]/.test(character) ? MARK : OTHER;
});

/** Counts in one pass; units beyond ASCII count as letters. */
export function countText(text: string): TextCounts {
  const units = new Uint32Array(KIND_COUNT);
  let newlines = 0;
  let numbers = 0;
  let words = 0;
  let sentences = 0;
  let previous = BLANK;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    const kind = unit < 128 ? (ASCII_KINDS[unit] ?? OTHER) : LETTER;
    units[kind] = (units[kind] ?? 0) + 1;
    const isInWord = previous === LETTER || previous === DIGIT;
    if (unit === NEWLINE_UNIT) newlines++;
    if (kind === DIGIT && previous !== DIGIT) numbers++;
    if ((kind === LETTER || kind === DIGIT) && !isInWord) words++;
    if (kind === BLANK && previous === STOP) sentences++;
    previous = kind;
  }
  return {
    characters: text.length,
    newlines,
    digits: units[DIGIT] ?? 0,
    numbers,
    words,
    dollars: units[DOLLAR] ?? 0,
    backslashes: units[BACKSLASH] ?? 0,
    sentences,
    marks: units[MARK] ?? 0,
  };
}

const WORD = /[\p{L}\p{N}_]+/gu;
const WORDS_PER_GRAM = 4;

/**
 * How much two texts repeat each other: the Jaccard index of their sets of four neighbouring words,
 * 0..1; texts too short for one count as equal or not. Sets are of hashes: a clash in them is
 * rarer than one in a million.
 */
export function repetitionOf(first: string, second: string): number {
  const grams = gramsOf(first);
  const others = gramsOf(second);
  if (grams.size === 0 && others.size === 0) return Number(first.trim() === second.trim());
  let shared = 0;
  for (const gram of grams) if (others.has(gram)) shared++;
  return shared / (grams.size + others.size - shared);
}

function gramsOf(text: string): Set<number> {
  const words = (text.toLowerCase().match(WORD) ?? []).map(hashOf);
  const grams = new Set<number>();
  for (let end = WORDS_PER_GRAM; end <= words.length; end++) {
    let gram = 0;
    for (let place = end - WORDS_PER_GRAM; place < end; place++) {
      gram = Math.imul(gram ^ (words[place] ?? 0), 0x9e3779b1);
      gram ^= gram >>> 15;
    }
    grams.add(gram);
  }
  return grams;
}

/** FNV-1a over UTF-16 units. */
function hashOf(word: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < word.length; index++) {
    hash = Math.imul(hash ^ word.charCodeAt(index), 0x01000193);
  }
  return hash;
}
