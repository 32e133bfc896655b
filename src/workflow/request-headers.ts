/** Headers as node:http gives them. */
export type RequestHeaders = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Header values by lower-case name: trimmed, never empty. */
export type HeaderValues = ReadonlyMap<string, string>;

/** Longest id in UTF-16 units. A longer one counts as no id: cut short, two sessions could become one. */
const ID_CHARACTERS_MAX = 255;

/** Of a header that came several times the first value counts. */
export function readHeaders(headers: RequestHeaders): HeaderValues {
  const values = new Map<string, string>();
  for (const name in headers) {
    const value = headers[name];
    const first: unknown = Array.isArray(value) ? value[0] : value;
    const text = typeof first === "string" ? first.trim() : "";
    const key = name.toLowerCase();
    if (text !== "" && !values.has(key)) values.set(key, text);
  }
  return values;
}

/** A client's id or name if it is usable: 1 to 255 characters, none of them a control character. */
export function readId(value: unknown): string | null {
  if (typeof value === "number") return Number.isSafeInteger(value) ? String(value) : null;
  if (typeof value !== "string") return null;
  const id = value.trim();
  const length = id.length;
  return length === 0 || length > ID_CHARACTERS_MAX || hasControlCharacter(id) ? null : id;
}

/** C0, DEL and C1. */
function hasControlCharacter(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return true;
  }
  return false;
}
