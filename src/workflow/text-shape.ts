/** What a text is made of: the counts that a token estimate weighs. */
export interface TextShape {
  /** Runs of ASCII letters. */
  words: number;
  /** Letters from the ninth of each word on. */
  lateLetters: number;
  digits: number;
  digitRuns: number;
  /** Runs of ASCII characters that are neither letters, digits nor blanks. */
  markRuns: number;
  newlineRuns: number;
  /** Runs of two and more spaces or tabs. */
  wideBlanks: number;
  /** UTF-16 units of other alphabets with spaces (below U+2E80), and of the rest (ideographs, kana, Hangul, emoji). */
  otherLetters: number;
  ideographs: number;
}

const LETTER = 1;
const DIGIT = 2;
const MARK = 3;
const NEWLINE = 4;
const BLANK = 5;
const OTHER = 6;
const IDEOGRAPH = 7;

const FIRST_IDEOGRAPH = 0x2e80;

const KINDS: Uint8Array = Uint8Array.from({ length: 128 }, (_, code) => asciiKind(code));

/** The shape of a text, in one pass over its UTF-16 units. */
export function shapeOf(text: string): TextShape {
  const shape = emptyShape();
  let previous = 0;
  let length = 0;
  for (let index = 0; index < text.length; index += 1) {
    const kind = kindOf(text.charCodeAt(index));
    length = kind === previous ? length + 1 : 1;
    previous = kind;
    add(shape, kind, length);
  }
  return shape;
}

function emptyShape(): TextShape {
  return {
    words: 0,
    lateLetters: 0,
    digits: 0,
    digitRuns: 0,
    markRuns: 0,
    newlineRuns: 0,
    wideBlanks: 0,
    otherLetters: 0,
    ideographs: 0,
  };
}

/** Adds one unit that is the `position`th of its run. */
function add(shape: TextShape, kind: number, position: number): void {
  switch (kind) {
    case LETTER:
      if (position === 1) shape.words += 1;
      if (position > 8) shape.lateLetters += 1;
      return;
    case DIGIT:
      shape.digits += 1;
      if (position === 1) shape.digitRuns += 1;
      return;
    case MARK:
      if (position === 1) shape.markRuns += 1;
      return;
    case NEWLINE:
      if (position === 1) shape.newlineRuns += 1;
      return;
    case BLANK:
      if (position === 2) shape.wideBlanks += 1;
      return;
    case OTHER:
      shape.otherLetters += 1;
      return;
    default:
      shape.ideographs += 1;
  }
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
