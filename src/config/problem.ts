import type { z } from "zod";

import { placeAt, type KeyPath, type SchemaPlace } from "./schema-walk.ts";

/** What is wrong at one place, before it is known where that place was written. */
export interface Complaint {
  readonly path: KeyPath;
  /** "key": the key itself is wrong; "value": what it holds. */
  readonly about: "key" | "value";
  /** Says what to do. */
  readonly message: string;
}

/** One thing that keeps a configuration from being used. */
export interface ConfigProblem {
  /** A file's name, "environment variable NAME" or "flag --name". */
  readonly source: string;
  /** From 1; null where there is no place in a file. */
  readonly line: number | null;
  readonly column: number | null;
  /** Such as `engines[0].maxConcurrency`; empty for the whole file. */
  readonly path: string;
  /** A sentence that says what to do. Never holds a value of a key that may be secret. */
  readonly message: string;
}

/** One line, as compilers print it: `file:line:column: path: message`. */
export function formatProblem(problem: ConfigProblem): string {
  const place = problem.line === null ? "" : `:${problem.line}:${problem.column ?? 1}`;
  const path = problem.path === "" ? "" : `${problem.path}: `;
  return `${problem.source}${place}: ${path}${problem.message}`;
}

export function formatPath(path: KeyPath): string {
  let text = "";
  for (const key of path) {
    if (typeof key === "number") text += `[${key}]`;
    else text += text === "" ? key : `.${key}`;
  }
  return text;
}

/** Turns what zod found into complaints; `written` is the value before `${NAME}` was replaced. */
export function complaintsOf(
  issues: readonly z.core.$ZodIssue[],
  schema: z.ZodType,
  written: unknown,
): Complaint[] {
  return issues.flatMap((issue) => {
    const path = issue.path.map((key) => (typeof key === "symbol" ? String(key) : key));
    const place = placeAt(schema, path);
    if (issue.code === "unrecognized_keys") {
      return issue.keys.map((key) => unknownKey([...path, key], key, place.keys));
    }
    if (issue.code === "invalid_key") {
      const message = "is not a header name; write letters, digits and dashes";
      return [{ path, about: "key", message }];
    }
    return [{ path, about: "value", message: wrongValue(place, valueAt(written, path)) }];
  });
}

/** The known word closest to a mistyped one, or null when none is close. */
export function closestWord(word: string, known: readonly string[]): string | null {
  let best: string | null = null;
  let bestDistance = Math.max(2, Math.floor(word.length / 3)) + 1;
  for (const candidate of known) {
    const distance = editDistance(plainWord(word), plainWord(candidate));
    if (distance >= bestDistance) continue;
    best = candidate;
    bestDistance = distance;
  }
  return best;
}

function unknownKey(path: KeyPath, key: string, known: readonly string[]): Complaint {
  const close = closestWord(key, known);
  const hint = close === null ? `known here: ${known.join(", ")}` : `did you mean ${close}?`;
  return { path, about: "key", message: `is not a known key; ${hint}` };
}

function wrongValue(place: SchemaPlace, value: unknown): string {
  const what = place.options.length > 0 ? `one of ${place.options.join(", ")}` : place.description;
  const wanted = what ?? "a value of another type";
  if (value === undefined) return `is missing; give ${wanted}`;
  if (place.options.length === 0 || typeof value !== "string") {
    return typeof value === "number" ? `must be ${wanted}, not ${value}` : `must be ${wanted}`;
  }
  const close = closestWord(value, place.options);
  return `must be ${wanted}` + (close === null ? "" : `; did you mean ${close}?`);
}

function valueAt(root: unknown, path: KeyPath): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== "object" || value === null) return undefined;
    value = Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined;
  }
  return value;
}

/** So that `max_concurrency` and `MaxConcurrency` are at no distance from `maxConcurrency`. */
function plainWord(word: string): string {
  return word.toLowerCase().replaceAll(/[-_ ]/g, "");
}

/** Levenshtein's distance; words longer than any key of ours are cut. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let line = 0; line < Math.min(from.length, 64); line++) {
    const next = [line + 1];
    for (let column = 0; column < to.length; column++) {
      const replace = (row[column] ?? 0) + (from[line] === to[column] ? 0 : 1);
      const erase = (row[column + 1] ?? 0) + 1;
      const add = (next[column] ?? 0) + 1;
      next.push(Math.min(replace, erase, add));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
