import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";

import type { Config } from "./config.ts";
import { parseDocumentText, type ConfigDocument } from "./document.ts";
import { fillReferences, type Environment } from "./environment.ts";
import { override, policyFlagProblems, variableProblems, type ConfigFlags } from "./overrides.ts";
import { fieldOf } from "./plain-value.ts";
import { readPolicyFile } from "./policy-file.ts";
import { complaintsOf, formatPath, type Complaint, type ConfigProblem } from "./problem.ts";
import { referenceComplaints } from "./references.ts";
import { resolveConfig } from "./resolve.ts";
import { configSchema } from "./schema.ts";

export interface ConfigSources {
  /** How problems name the file. */
  readonly file: string;
  readonly environment: Environment;
  readonly flags: ConfigFlags;
}

export type ConfigResult =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

const FILE_CHARACTERS_MAX = 4 * 2 ** 20;

/** Reads a file, lays environment and flags over it, and checks the whole. Never throws. */
export async function loadConfig(sources: ConfigSources): Promise<ConfigResult> {
  let text: string;
  try {
    text = await readFile(sources.file, "utf8");
  } catch (error) {
    return failed(sources.file, unreadable(error));
  }
  return parseWholeConfig(text, sources);
}

/** As `loadConfig`, of a text that is at hand. */
export async function parseWholeConfig(
  text: string,
  sources: ConfigSources,
): Promise<ConfigResult> {
  const parsed = parseConfig(text, sources);
  const file = parsed.ok ? parsed.config.policy.file : undefined;
  if (!parsed.ok || file === undefined) return parsed;
  const document = parseDocumentText(text);
  const written = override(document.value, sources.environment, sources.flags);
  const read = await readPolicyFile(file);
  if (!read.ok) {
    const { message } = read;
    const complaint: Complaint = { path: ["policy", "file"], about: "value", message };
    return { ok: false, problems: locate([complaint], sources.file, document, written.sources) };
  }
  const knobs = (["price", "slack", "minGain"] as const)
    .filter((key) => fieldOf(fieldOf(written.value, "policy"), key) !== undefined)
    .map((key) => [key, parsed.config.policy[key]]);
  const policy = { ...read.policy, ...Object.fromEntries(knobs), file };
  return { ok: true, config: freeze({ ...parsed.config, policy }) };
}

/**
 * As `parseWholeConfig`, but `policy.file` is only named: its rules are not loaded. Either a complete
 * frozen value, or all problems at once.
 */
export function parseConfig(text: string, sources: ConfigSources): ConfigResult {
  const { file, environment, flags } = sources;
  if (text.length > FILE_CHARACTERS_MAX) {
    return failed(file, `is longer than ${FILE_CHARACTERS_MAX} characters; give a smaller file`);
  }
  const document = parseDocumentText(text);
  if (document.syntaxErrors.length > 0) {
    const problems = document.syntaxErrors.map(({ position, message }) => ({
      source: file,
      ...position,
      path: "",
      message,
    }));
    return { ok: false, problems };
  }
  const filled = fillReferences(document.value, environment);
  const written = override(document.value, environment, flags);
  const overridden = override(filled.value, environment, flags);
  const parsed = configSchema.safeParse(overridden.value);
  const complaints = [
    ...filled.complaints,
    ...complaintsOf(parsed.error?.issues ?? [], configSchema, written.value),
    ...referenceComplaints(overridden.value),
  ];
  const problems = [
    ...locate(withoutRepeats(complaints), file, document, overridden.sources),
    ...variableProblems(environment),
    ...policyFlagProblems(flags),
  ];
  if (problems.length > 0 || !parsed.success) return { ok: false, problems };
  const { prediction, policy } = parsed.data;
  const fromFile = <Path extends string | null | undefined>(key: string, path: Path) =>
    typeof path !== "string" || overridden.sources.has(key) ? path : resolve(dirname(file), path);
  const models = {
    lengthModel: fromFile("prediction.lengthModel", prediction.lengthModel),
    routerModel: fromFile("prediction.routerModel", prediction.routerModel),
  };
  const input = {
    ...parsed.data,
    prediction: { ...prediction, ...models },
    policy: { ...policy, file: fromFile("policy.file", policy.file) },
  };
  return { ok: true, config: freeze(resolveConfig(input)) };
}

/** One complaint a place: the first says what to do, a second would only repeat it. */
function withoutRepeats(complaints: readonly Complaint[]): Complaint[] {
  const seen = new Set<string>();
  return complaints.filter(({ path }) => {
    const place = formatPath(path);
    return !seen.has(place) && seen.add(place);
  });
}

/** Gives each complaint its place, in the order of the file. */
function locate(
  complaints: readonly Complaint[],
  file: string,
  document: ConfigDocument,
  overrides: ReadonlyMap<string, string>,
): ConfigProblem[] {
  const problems = complaints.map((complaint): ConfigProblem => {
    const path = formatPath(complaint.path);
    const { message } = complaint;
    const source = overrides.get(path);
    if (source !== undefined) return { source, line: null, column: null, path, message };
    const position = document.positionOf(complaint.path, complaint.about);
    return { source: file, ...position, path, message };
  });
  return problems.sort(
    (one, other) => (one.line ?? 0) - (other.line ?? 0) || (one.column ?? 0) - (other.column ?? 0),
  );
}

function failed(source: string, message: string): ConfigResult {
  return { ok: false, problems: [{ source, line: null, column: null, path: "", message }] };
}

function unreadable(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
  if (code === "ENOENT") return "does not exist; give the path of a configuration file";
  if (code === "EISDIR") return "is a folder; give the path of a configuration file";
  return `cannot be read (${code}); check the path and its permissions`;
}

function freeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const part of Object.values(value)) freeze(part);
  return Object.freeze(value);
}
