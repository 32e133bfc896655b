import type { StageText } from "./port.ts";

/** Characters read of the system text, and of the task. */
const CHARACTERS_MAX = 16_384;

/**
 * What a router reads of a stage: the system text and the task, each cut. Nothing that came after the
 * task is in it. Null where there is no text.
 */
export function promptTextOf(text: StageText | null): string | null {
  if (text === null) return null;
  const system = text.system.slice(0, CHARACTERS_MAX).trim();
  const user = text.user.slice(0, CHARACTERS_MAX).trim();
  const joined = system === "" ? user : `${system}\n${user}`;
  return joined === "" ? null : joined;
}

/** Characters that two texts begin with alike. */
export function commonStart(first: string, second: string): number {
  const end = Math.min(first.length, second.length);
  let length = 0;
  while (length < end && first.charCodeAt(length) === second.charCodeAt(length)) length++;
  return length;
}

/** Characters that are counted together, as a number or as a share of the text. */
const CHARACTER_SORTS = [
  { name: "newlines", characters: "\n", isShare: false },
  { name: "digits", characters: "0123456789", isShare: true },
  { name: "capitals", characters: "ABCDEFGHIJKLMNOPQRSTUVWXYZ", isShare: true },
  { name: "underscores", characters: "_", isShare: false },
  { name: "commas", characters: ",", isShare: true },
  { name: "dollars", characters: "$", isShare: false },
  { name: "backslashes", characters: "\\", isShare: false },
  { name: "operators", characters: "+*/^=<>", isShare: false },
  { name: "brackets", characters: "(){}[]", isShare: false },
  { name: "questions", characters: "?", isShare: false },
  { name: "percents", characters: "%", isShare: false },
] as const;
const DIGITS = 1;
const CAPITALS = 2;
const UNDERSCORES = 3;
const LETTERS = CHARACTER_SORTS.length;
const REST = LETTERS + 1;
const FOREIGN = LETTERS + 2;
const SORT_COUNT = LETTERS + 3;
const SORT_OF: Uint8Array = Uint8Array.from({ length: 128 }, (_, code) => asciiSort(code));

/** Answers to choose from, one a line. */
const CHOICE = /^\(?[A-J][.):]/gm;

/** What a text is made of, in the order of `promptNumbers`. */
export const PROMPT_NUMBERS: readonly string[] = [
  "characters.log",
  "words.log",
  "word.length",
  "numbers.log",
  "choices",
  "foreign",
  ...CHARACTER_SORTS.map(({ name }) => name),
];

/** Counts and shares of one text, in one pass over its UTF-16 units and one search. */
export function promptNumbers(text: string): number[] {
  const units = new Uint32Array(SORT_COUNT);
  let words = 0;
  let numbers = 0;
  let before = REST;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    const sort = code < SORT_OF.length ? (SORT_OF[code] ?? REST) : FOREIGN;
    units[sort] = (units[sort] ?? 0) + 1;
    if (isInWord(sort) && !isInWord(before)) words++;
    if (sort === DIGITS && before !== DIGITS) numbers++;
    before = sort;
  }
  const letters = (units[LETTERS] ?? 0) + (units[CAPITALS] ?? 0);
  return [
    Math.log1p(text.length),
    Math.log1p(words),
    letters / Math.max(1, words),
    Math.log1p(numbers),
    text.match(CHOICE)?.length ?? 0,
    units[FOREIGN] ?? 0,
    ...CHARACTER_SORTS.map(({ isShare }, sort) => {
      const count = units[sort] ?? 0;
      return isShare ? count / Math.max(1, text.length) : count;
    }),
  ];
}

function isInWord(sort: number): boolean {
  return sort === LETTERS || sort === CAPITALS || sort === DIGITS || sort === UNDERSCORES;
}

function asciiSort(code: number): number {
  const character = String.fromCharCode(code);
  if (character >= "a" && character <= "z") return LETTERS;
  const listed = CHARACTER_SORTS.findIndex(({ characters }) => characters.includes(character));
  return listed < 0 ? REST : listed;
}
