import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { createGunzip } from "node:zlib";
import type { z } from "zod";

/** A line that could not be read, and why. */
export interface LineProblem {
  readonly file: string;
  /** From 1; 0 for the file as a whole. */
  readonly line: number;
  readonly message: string;
}

export interface JsonLines<T> {
  readonly rows: readonly T[];
  readonly problems: readonly LineProblem[];
}

/** Problems that are told one by one; a file that is wholly wrong need not fill the screen. */
const PROBLEMS_MAX = 20;

/**
 * Reads a JSON Lines file, gzipped when its name ends in `.gz`, and checks each line against a
 * schema. Never throws: what cannot be read is a problem with its line, and no line is passed over.
 */
export async function readJsonLines<T>(file: string, schema: z.ZodType<T>): Promise<JsonLines<T>> {
  const rows: T[] = [];
  const problems: LineProblem[] = [];
  let line = 0;
  let untold = 0;
  try {
    for await (const text of textLines(file)) {
      line++;
      if (text.trim() === "") continue;
      const message = readLine(text, schema, rows);
      if (message === null) continue;
      if (problems.length < PROBLEMS_MAX) problems.push({ file, line, message });
      else untold++;
    }
  } catch (error) {
    problems.push({
      file,
      line: 0,
      message: error instanceof Error ? error.message : String(error),
    });
  }
  if (untold > 0) problems.push({ file, line: 0, message: `${untold} more lines are not valid` });
  return { rows, problems };
}

/** The lines of a text file, unzipped where its name ends in `.gz`. */
export function textLines(file: string): AsyncIterable<string> {
  const bytes = createReadStream(file);
  const input = file.endsWith(".gz") ? bytes.pipe(createGunzip()) : bytes;
  // A pipe does not pass errors on; without this a missing file would end nothing.
  bytes.on("error", (error) => input.destroy(error));
  return withErrors(input);
}

async function* withErrors(input: NodeJS.ReadableStream): AsyncGenerator<string> {
  let failure: unknown = null;
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY });
  input.on("error", (error: unknown) => {
    failure = error;
    lines.close();
  });
  yield* lines;
  if (failure !== null) throw failure;
}

function readLine<T>(text: string, schema: z.ZodType<T>, rows: T[]): string | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return "is not JSON";
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) {
    rows.push(parsed.data);
    return null;
  }
  const [issue] = parsed.error.issues;
  return issue === undefined ? "is not valid" : `${issue.path.join(".")}: ${issue.message}`;
}
