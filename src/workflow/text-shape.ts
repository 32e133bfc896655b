/** What a text is made of: the counts that a token estimate weighs. */
export interface TextShape {
  /** Runs of ASCII letters. */
  readonly words: number;
  /** Letters from the ninth of each word on. */
  readonly lateLetters: number;
  readonly digits: number;
  readonly digitRuns: number;
  /** Runs of ASCII characters that are neither letters, digits nor blanks. */
  readonly markRuns: number;
  readonly newlineRuns: number;
  /** Runs of two and more spaces or tabs. */
  readonly wideBlanks: number;
  /** UTF-16 units of other alphabets with spaces (below U+2E80), and of the rest (ideographs, kana, Hangul, emoji). */
  readonly otherLetters: number;
  readonly ideographs: number;
}

const LETTER = 0;
const DIGIT = 1;
const MARK = 2;
const NEWLINE = 3;
const BLANK = 4;
const OTHER = 5;
const IDEOGRAPH = 6;
const KIND_COUNT = 7;

const FIRST_IDEOGRAPH = 0x2e80;

const KINDS: Uint8Array = Uint8Array.from({ length: 128 }, (_, code) => asciiKind(code));

/** The shape of a text, in one pass over its UTF-16 units. */
export function shapeOf(text: string): TextShape {
  const runs = new Uint32Array(KIND_COUNT);
  const units = new Uint32Array(KIND_COUNT);
  let lateLetters = 0;
  let wideBlanks = 0;
  let previous = -1;
  let length = 0;
  for (let index = 0; index < text.length; index += 1) {
    const kind = kindOf(text.charCodeAt(index));
    units[kind] = (units[kind] ?? 0) + 1;
    if (kind !== previous) {
      runs[kind] = (runs[kind] ?? 0) + 1;
      length = 0;
      previous = kind;
    }
    length += 1;
    if (kind === LETTER && length > 8) lateLetters += 1;
    if (kind === BLANK && length === 2) wideBlanks += 1;
  }
  return {
    words: runs[LETTER] ?? 0,
    lateLetters,
    digits: units[DIGIT] ?? 0,
    digitRuns: runs[DIGIT] ?? 0,
    markRuns: runs[MARK] ?? 0,
    newlineRuns: runs[NEWLINE] ?? 0,
    wideBlanks,
    otherLetters: units[OTHER] ?? 0,
    ideographs: units[IDEOGRAPH] ?? 0,
  };
}

function kindOf(code: number): number {
  if (code < 128) return KINDS[code] ?? MARK;
  return code < FIRST_IDEOGRAPH ? OTHER : IDEOGRAPH;
}

function asciiKind(code: number): number {
  if ((code >= 97 && code <= 122) || (code >= 65 && code <= 90)) return LETTER;
  if (code >= 48 && code <= 57) return DIGIT;
  if (code === 10 || code === 13) return NEWLINE;
  return code === 32 || code === 9 ? BLANK : MARK;
}
