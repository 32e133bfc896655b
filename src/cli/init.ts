import { access, writeFile } from "node:fs/promises";
import type { Environment } from "../config/environment.ts";
import { parseConfig } from "../config/load.ts";
import { configText, type WrittenEngine, writableModels } from "./config-text.ts";
import { type EnginePlace, type FoundEngine, searchEngines, USUAL_PORTS } from "./engine-search.ts";
import type { ExitCode, Printer } from "./printer.ts";
import { replaceFile } from "./replace-file.ts";

export interface InitFlags {
  readonly config: string;
  /** Local ports to look at; null: the usual ones. */
  readonly ports: readonly number[] | null;
  /** Whether a file that is there may be replaced. */
  readonly force: boolean;
  /** Whether the config goes to standard output. */
  readonly stdout: boolean;
}

export interface InitSurroundings {
  readonly printer: Printer;
  readonly environment: Environment;
  /** Asks a person; null where there is none. */
  readonly ask: ((question: string) => Promise<string>) | null;
}

const LISTEN_PORT = 8080;
/** Where an engine has the port that is ours otherwise. */
const LISTEN_PORT_ELSE = 8090;
const KEY_VARIABLE = "OPENAI_API_KEY";

/** `chimera init`: looks for engines and writes a config for them. */
export async function init(flags: InitFlags, surroundings: InitSurroundings): Promise<ExitCode> {
  const { printer, environment, ask } = surroundings;
  const { config: file, force, stdout } = flags;
  if (!stdout && !force && (await exists(file))) {
    printer.say(`${file} is there already; --force replaces it, --stdout only shows the new one`);
    return 1;
  }
  const places = placesOf(flags.ports ?? USUAL_PORTS, environment);
  printer.say(`looking for engines at ${places.length} addresses`);
  const found = await searchEngines(places, environment);
  for (const { url, kind, models } of found) {
    printer.say(`  ${url}: ${kind}, ${models.length} models`);
  }
  if (found.length === 0) printer.say("  none answered");
  const { OPENAI_BASE_URL: base = "", [KEY_VARIABLE]: key = "" } = environment;
  if (key !== "" && base === "") {
    printer.say(
      `${KEY_VARIABLE} is set; for a hosted API set OPENAI_BASE_URL too and run it again`,
    );
  }
  const engines = ask === null ? found.flatMap(withoutAsking) : await asked(found, ask);
  const text = configText(engines, `127.0.0.1:${listenPort(found)}`);
  const parsed = parseConfig(text, { file, environment, flags: {} });
  if (!parsed.ok) {
    for (const { path, message } of parsed.problems) printer.say(`${path} ${message}`);
    return 1;
  }
  if (stdout) printer.out(text.trimEnd());
  else await write(file, text, force);
  if (!stdout) sayNext(file, engines, printer);
  return 0;
}

function placesOf(ports: readonly number[], environment: Environment): EnginePlace[] {
  const { OPENAI_BASE_URL: base = "" } = environment;
  const keyVariable = (environment[KEY_VARIABLE] ?? "") === "" ? null : KEY_VARIABLE;
  const local = ports.map((port) => ({ url: `http://127.0.0.1:${port}/v1`, keyVariable: null }));
  if (base === "") return local;
  const url = base.replace(/\/+$/, "");
  return [{ url, keyVariable }, ...local.filter((place) => place.url !== url)];
}

function withoutAsking(found: FoundEngine): WrittenEngine[] {
  return writableModels(found).map((model) => ({ found, model, confidence: null }));
}

async function asked(
  found: readonly FoundEngine[],
  ask: (question: string) => Promise<string>,
): Promise<WrittenEngine[]> {
  const engines: WrittenEngine[] = [];
  for (const engine of found) {
    for (const model of writableModels(engine)) {
      const use = await ask(`Use ${model} at ${engine.url}? [Y/n] `);
      if (/^n/i.test(use.trim())) continue;
      const share = await ask(`Which share of your tasks does ${model} solve, 0 to 1? [unknown] `);
      engines.push({ found: engine, model, confidence: shareOf(share) });
    }
  }
  return engines;
}

function shareOf(text: string): number | null {
  const share = Number(text.trim());
  return text.trim() !== "" && share >= 0 && share <= 1 ? share : null;
}

function listenPort(found: readonly FoundEngine[]): number {
  const isTaken = found.some(({ url }) => url.startsWith(`http://127.0.0.1:${LISTEN_PORT}/`));
  return isTaken ? LISTEN_PORT_ELSE : LISTEN_PORT;
}

async function write(file: string, text: string, force: boolean): Promise<void> {
  if (force) await replaceFile(file, Buffer.from(text));
  else await writeFile(file, text, { flag: "wx" });
}

function sayNext(file: string, engines: readonly WrittenEngine[], printer: Printer): void {
  printer.out(`wrote ${file}`);
  if (engines.length === 0) printer.say(`Fill in an engine in ${file}, then:`);
  else printer.say("Next:");
  printer.say(`  chimera doctor --config ${file}   what is wrong, and how to mend it`);
  printer.say(`  chimera profile NAME --config ${file} --write   measure an engine`);
  printer.say(`  chimera serve --config ${file}`);
}

async function exists(file: string): Promise<boolean> {
  try {
    await access(file);
    return true;
  } catch {
    return false;
  }
}
