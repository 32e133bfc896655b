/** One recorded answer of one model. */
export interface RecordedAnswer {
  readonly text: string;
  readonly outputTokens: number;
  readonly promptTokens: number;
}

/** The answer of a task's stage (from 0); null when the record has no such task or stage. */
export type PlaybackLookup = (taskId: string, stage: number) => RecordedAnswer | null;

/** The recorded answer; past the record's end its last one; null when the task is unknown. */
export function recordedAnswer(
  lookup: PlaybackLookup,
  taskId: string,
  stage: number,
): RecordedAnswer | null {
  const asked = lookup(taskId, stage);
  if (asked !== null || stage === 0) return asked;
  let last = lookup(taskId, 0);
  // The stages of a record have no gaps, so its end can be searched by halves.
  let known = 0;
  let missing = stage;
  while (last !== null && missing - known > 1) {
    const middle = Math.floor((known + missing) / 2);
    const answer = lookup(taskId, middle);
    if (answer === null) missing = middle;
    else {
      known = middle;
      last = answer;
    }
  }
  return last;
}

/**
 * Cuts a text into `count` pieces of nearly one length whose concatenation is the text. Surrogate
 * pairs stay whole; pieces are empty only when there are fewer characters than pieces.
 */
export function splitText(text: string, count: number): string[] {
  const characters = charactersOf(text);
  const pieces: string[] = [];
  let start = 0;
  let passed = 0;
  for (let piece = 1; piece <= count; piece++) {
    let end = start;
    for (const until = Math.floor((piece * characters) / count); passed < until; passed++) {
      end += widthAt(text, end);
    }
    pieces.push(text.slice(start, end));
    start = end;
  }
  return pieces;
}

function charactersOf(text: string): number {
  let characters = 0;
  for (let index = 0; index < text.length; index += widthAt(text, index)) characters++;
  return characters;
}

/** Code units of the character that begins at the index. */
function widthAt(text: string, index: number): number {
  return (text.codePointAt(index) ?? 0) > 0xffff ? 2 : 1;
}
