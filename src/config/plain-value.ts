/** Fields of a value that may have any shape; only its own count. */

export function fieldOf(value: unknown, key: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  return Reflect.get(value, key);
}

export function textOf(value: unknown, key: string): string | null {
  const field = fieldOf(value, key);
  return typeof field === "string" ? field : null;
}

export function listOf(value: unknown, key: string): readonly unknown[] {
  const field: unknown = fieldOf(value, key);
  return Array.isArray(field) ? field : [];
}
