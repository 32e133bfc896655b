/** What becomes of a member of a JSON object: its new JSON text, edits of the object it holds, or nothing when it goes. */
export type JsonEdit = string | JsonEdits | null;

/** Edits by key. A key that is not there is added, unless its edit takes it away. */
export type JsonEdits = ReadonlyMap<string, JsonEdit>;

interface Member {
  readonly key: string;
  readonly start: number;
  readonly valueStart: number;
  readonly end: number;
}

const QUOTE = 34;
const COMMA = 44;
const COLON = 58;
const OPEN_BRACKET = 91;
const BACKSLASH = 92;
const CLOSE_BRACKET = 93;
const OPEN_BRACE = 123;
const CLOSE_BRACE = 125;

const COMMA_BYTES: Buffer = Buffer.from(",");
const OPEN_BYTES: Buffer = Buffer.from("{");
const CLOSE_BYTES: Buffer = Buffer.from("}");

/**
 * Edits the members of a JSON object in its own bytes, so that values which are not edited keep
 * theirs: number spellings, unknown fields, order. A key that occurs twice is edited each time. The
 * bytes must be one valid JSON object, with or without a byte order mark; throws where they are not.
 */
export function editJsonObject(bytes: Buffer, edits: JsonEdits): Buffer {
  const pieces: Buffer[] = [];
  pushObject(bytes, bytes[0] === 0xef ? 3 : 0, edits, pieces);
  return Buffer.concat(pieces);
}

function pushObject(bytes: Buffer, start: number, edits: JsonEdits, pieces: Buffer[]): void {
  const missing = new Map(edits);
  let separator = OPEN_BYTES;
  for (const member of membersOf(bytes, start)) {
    missing.delete(member.key);
    const edit = edits.get(member.key);
    if (edit === null) continue;
    pieces.push(separator);
    if (edit === undefined) pieces.push(bytes.subarray(member.start, member.end));
    else {
      pieces.push(bytes.subarray(member.start, member.valueStart));
      pushValue(bytes.subarray(member.valueStart, member.end), edit, pieces);
    }
    separator = COMMA_BYTES;
  }
  for (const [key, edit] of missing) {
    if (edit === null) continue;
    pieces.push(separator, Buffer.from(`${JSON.stringify(key)}:`));
    pushValue(null, edit, pieces);
    separator = COMMA_BYTES;
  }
  if (separator === OPEN_BYTES) pieces.push(OPEN_BYTES);
  pieces.push(CLOSE_BYTES);
}

/** An object's edits on a value that is no object make a new object. */
function pushValue(old: Buffer | null, edit: string | JsonEdits, pieces: Buffer[]): void {
  if (typeof edit === "string") pieces.push(Buffer.from(edit));
  else pushObject(old?.[0] === OPEN_BRACE ? old : Buffer.from("{}"), 0, edit, pieces);
}

function membersOf(bytes: Buffer, start: number): Member[] {
  const members: Member[] = [];
  let at = afterSpace(bytes, start);
  expect(bytes, at, OPEN_BRACE);
  at = afterSpace(bytes, at + 1);
  while (bytes[at] !== CLOSE_BRACE) {
    const member = memberAt(bytes, at);
    members.push(member);
    at = afterSpace(bytes, member.end);
    if (bytes[at] === CLOSE_BRACE) break;
    expect(bytes, at, COMMA);
    at = afterSpace(bytes, at + 1);
  }
  return members;
}

function memberAt(bytes: Buffer, start: number): Member {
  expect(bytes, start, QUOTE);
  const keyEnd = stringEnd(bytes, start);
  const key: unknown = JSON.parse(bytes.toString("utf8", start, keyEnd));
  const colon = afterSpace(bytes, keyEnd);
  expect(bytes, colon, COLON);
  const valueStart = afterSpace(bytes, colon + 1);
  return { key: String(key), start, valueStart, end: valueEnd(bytes, valueStart) };
}

function valueEnd(bytes: Buffer, start: number): number {
  let depth = 0;
  let at = start;
  while (at < bytes.length) {
    const byte = bytes[at];
    if (byte === QUOTE) {
      at = stringEnd(bytes, at);
      if (depth === 0) return at;
      continue;
    }
    const closes = byte === CLOSE_BRACE || byte === CLOSE_BRACKET;
    // A number, true, false or null ends before what follows it.
    if (depth === 0 && (closes || byte === COMMA || isSpace(byte))) return at;
    if (byte === OPEN_BRACE || byte === OPEN_BRACKET) depth++;
    at++;
    if (closes && --depth === 0) return at;
  }
  throw new SyntaxError("JSON ends inside a value");
}

/** Index after the closing quote of the string that opens at `start`. */
function stringEnd(bytes: Buffer, start: number): number {
  let quote = bytes.indexOf(QUOTE, start + 1);
  while (quote !== -1) {
    let before = quote;
    while (bytes[before - 1] === BACKSLASH) before--;
    if ((quote - before) % 2 === 0) return quote + 1;
    quote = bytes.indexOf(QUOTE, quote + 1);
  }
  throw new SyntaxError("JSON ends inside a string");
}

function afterSpace(bytes: Buffer, start: number): number {
  let at = start;
  while (isSpace(bytes[at])) at++;
  return at;
}

function isSpace(byte: number | undefined): boolean {
  return byte === 32 || byte === 10 || byte === 13 || byte === 9;
}

function expect(bytes: Buffer, at: number, byte: number): void {
  if (bytes[at] !== byte)
    throw new SyntaxError(`JSON has no "${String.fromCharCode(byte)}" at ${at}`);
}
