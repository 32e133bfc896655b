/** What a text is made of, as far as lengths follow it. */
export interface TextCounts {
  readonly characters: number;
  readonly newlines: number;
  readonly digits: number;
  readonly dollars: number;
}

const NEWLINE = 10;
const DOLLAR = 36;
const DIGIT_FIRST = 48;
const DIGIT_LAST = 57;

/** Counts in one pass over the UTF-16 units. */
export function countText(text: string): TextCounts {
  let newlines = 0;
  let digits = 0;
  let dollars = 0;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    if (unit === NEWLINE) newlines++;
    else if (unit === DOLLAR) dollars++;
    else if (unit >= DIGIT_FIRST && unit <= DIGIT_LAST) digits++;
  }
  return { characters: text.length, newlines, digits, dollars };
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
