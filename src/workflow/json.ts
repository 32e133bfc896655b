/** An object of a parsed JSON body. */
export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An own field of a JSON object, else undefined: names from a client never reach a prototype. */
export function fieldOf(value: unknown, name: string): unknown {
  return isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

/** Walks own fields, for hints that sit deeper. */
export function valueAt(value: unknown, path: readonly string[]): unknown {
  let found = value;
  for (const name of path) found = fieldOf(found, name);
  return found;
}

/** An object that a client may have sent as JSON text instead; texts above the bound are ignored. */
export function objectOf(value: unknown, charactersMax: number): JsonObject | null {
  if (isObject(value)) return value;
  if (typeof value !== "string" || value.length > charactersMax) return null;
  try {
    const parsed: unknown = JSON.parse(value);
    return isObject(parsed) ? parsed : null;
  } catch {
    return null;
  }
}
