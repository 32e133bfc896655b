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
  const start = bytes[0] === 0xef ? 3 : 0;
  const pieces: Buffer[] = [];
  pushObject(bytes.subarray(start), edits, pieces);
  return Buffer.concat(pieces);
}

function pushObject(bytes: Buffer, edits: JsonEdits, pieces: Buffer[]): void {
  const missing = new Map(edits);
  let separator = OPEN_BYTES;
  for (const member of membersOf(bytes)) {
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
  else pushObject(old?.[0] === OPEN_BRACE ? old : Buffer.from("{}"), edit, pieces);
}

/** Reads Latin-1, one character a byte: a string is searched faster than bytes. */
function membersOf(bytes: Buffer): Member[] {
  const text = bytes.toString("latin1");
  const members: Member[] = [];
  let at = afterSpace(text, 0);
  expect(text, at, OPEN_BRACE);
  at = afterSpace(text, at + 1);
  while (text.charCodeAt(at) !== CLOSE_BRACE) {
    const member = memberAt(text, at);
    members.push(member);
    at = afterSpace(text, member.end);
    if (text.charCodeAt(at) === CLOSE_BRACE) break;
    expect(text, at, COMMA);
    at = afterSpace(text, at + 1);
  }
  return members;
}

function memberAt(text: string, start: number): Member {
  expect(text, start, QUOTE);
  const keyEnd = stringEnd(text, start);
  const key: unknown = JSON.parse(
    Buffer.from(text.slice(start, keyEnd), "latin1").toString("utf8"),
  );
  const colon = afterSpace(text, keyEnd);
  expect(text, colon, COLON);
  const valueStart = afterSpace(text, colon + 1);
  return { key: String(key), start, valueStart, end: valueEnd(text, valueStart) };
}

function valueEnd(text: string, start: number): number {
  let depth = 0;
  let at = start;
  while (at < text.length) {
    const byte = text.charCodeAt(at);
    if (byte === QUOTE) {
      at = stringEnd(text, at);
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
function stringEnd(text: string, start: number): number {
  let quote = text.indexOf('"', start + 1);
  while (quote !== -1) {
    let before = quote;
    while (text.charCodeAt(before - 1) === BACKSLASH) before--;
    if ((quote - before) % 2 === 0) return quote + 1;
    quote = text.indexOf('"', quote + 1);
  }
  throw new SyntaxError("JSON ends inside a string");
}

function afterSpace(text: string, start: number): number {
  let at = start;
  while (isSpace(text.charCodeAt(at))) at++;
  return at;
}

function isSpace(byte: number): boolean {
  return byte === 32 || byte === 10 || byte === 13 || byte === 9;
}

function expect(text: string, at: number, byte: number): void {
  if (text.charCodeAt(at) !== byte)
    throw new SyntaxError(`JSON has no "${String.fromCharCode(byte)}" at ${at}`);
}
