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

/** Bytes of a string that are read one by one. */
const SHORT_BYTES = 64;

/** What the edited text is made of: new text, or a range of the old bytes. */
type Piece = string | { readonly start: number; readonly end: number };

/**
 * Edits the members of a JSON object in its own bytes, so that values which are not edited keep
 * theirs: number spellings, unknown fields, order. A key that occurs twice is edited each time. The
 * bytes must be one valid JSON object, with or without a byte order mark; throws where they are not.
 */
export function editJsonObject(bytes: Buffer, edits: JsonEdits): Buffer {
  const pieces: Piece[] = [];
  pushObject(bytes, bytes[0] === 0xef ? 3 : 0, edits, pieces);
  let length = 0;
  for (const piece of pieces) {
    length += typeof piece === "string" ? Buffer.byteLength(piece) : piece.end - piece.start;
  }
  const edited = Buffer.allocUnsafe(length);
  let at = 0;
  for (const piece of pieces) {
    if (typeof piece === "string") at += edited.write(piece, at);
    else at += bytes.copy(edited, at, piece.start, piece.end);
  }
  return edited;
}

function pushObject(bytes: Buffer, start: number, edits: JsonEdits, pieces: Piece[]): void {
  const missing = new Set(edits.keys());
  let separator = "{";
  for (const member of membersOf(bytes, start)) {
    missing.delete(member.key);
    const edit = edits.get(member.key);
    if (edit === null) continue;
    pieces.push(separator);
    if (edit === undefined) pieces.push(member);
    else {
      pieces.push({ start: member.start, end: member.valueStart });
      pushValue(bytes, member.valueStart, edit, pieces);
    }
    separator = ",";
  }
  for (const key of missing) {
    const edit = edits.get(key);
    if (edit === null || edit === undefined) continue;
    pieces.push(separator, `${JSON.stringify(key)}:`);
    pushValue(EMPTY_OBJECT, 0, edit, pieces);
    separator = ",";
  }
  if (separator === "{") pieces.push(separator);
  pieces.push("}");
}

const EMPTY_OBJECT: Buffer = Buffer.from("{}");

/** An object's edits on a value that is no object make a new object. */
function pushValue(bytes: Buffer, start: number, edit: string | JsonEdits, pieces: Piece[]): void {
  if (typeof edit === "string") pieces.push(edit);
  else if (bytes[start] === OPEN_BRACE) pushObject(bytes, start, edit, pieces);
  else pushObject(EMPTY_OBJECT, 0, edit, pieces);
}

/** Of the object that begins at `start`, which space may precede. */
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
  const key = keyOf(bytes, start + 1, keyEnd - 1);
  const colon = afterSpace(bytes, keyEnd);
  expect(bytes, colon, COLON);
  const valueStart = afterSpace(bytes, colon + 1);
  return { key, start, valueStart, end: valueEnd(bytes, valueStart) };
}

function keyOf(bytes: Buffer, start: number, end: number): string {
  const text = bytes.toString("utf8", start, end);
  return text.includes("\\") ? String(JSON.parse(`"${text}"`)) : text;
}

function valueEnd(bytes: Buffer, start: number): number {
  let depth = 0;
  let at = start;
  while (at < bytes.length) {
    const byte = bytes[at] ?? 0;
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
  let quote = quoteFrom(bytes, start + 1);
  while (quote !== -1) {
    let before = quote;
    while (bytes[before - 1] === BACKSLASH) before--;
    if ((quote - before) % 2 === 0) return quote + 1;
    quote = quoteFrom(bytes, quote + 1);
  }
  throw new SyntaxError("JSON ends inside a string");
}

/** Most strings are short, and asking the system for the next quote costs more than to read them; in a long one it is by far the faster reader. */
function quoteFrom(bytes: Buffer, start: number): number {
  const end = Math.min(start + SHORT_BYTES, bytes.length);
  for (let at = start; at < end; at++) if (bytes[at] === QUOTE) return at;
  return bytes.indexOf(QUOTE, end);
}

function afterSpace(bytes: Buffer, start: number): number {
  let at = start;
  while (isSpace(bytes[at] ?? 0)) at++;
  return at;
}

function isSpace(byte: number): boolean {
  return byte === 32 || byte === 10 || byte === 13 || byte === 9;
}

function expect(bytes: Buffer, at: number, byte: number): void {
  if (bytes[at] !== byte)
    throw new SyntaxError(`JSON has no "${String.fromCharCode(byte)}" at ${at}`);
}
