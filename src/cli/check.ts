import { loadConfig } from "../config/load.ts";
import type { Config } from "../config/config.ts";
import { formatProblem } from "../config/problem.ts";
import { showConfig } from "../config/show.ts";
import type { ConfigFlags } from "../config/overrides.ts";
import type { ExitCode, Printer } from "./printer.ts";

/** Reads a config for a command; says every problem at once and answers null when there is one. */
export async function readConfig(
  path: string,
  flags: ConfigFlags,
  printer: Printer,
): Promise<Config | null> {
  const result = await loadConfig({ file: path, environment: process.env, flags });
  if (result.ok) return result.config;
  for (const problem of result.problems) printer.say(formatProblem(problem));
  const count = result.problems.length;
  printer.say(`${path}: ${count} problem${count === 1 ? "" : "s"}; nothing was started`);
  return null;
}

/** `chimera check`: validates a config and shows what it means, secrets masked. */
export async function check(path: string, json: boolean, printer: Printer): Promise<ExitCode> {
  const config = await readConfig(path, {}, printer);
  if (config === null) return 2;
  if (json) printer.out(JSON.stringify(showConfig(config), null, 2));
  else {
    printer.out(`${path}: ok`);
    for (const engine of config.engines) {
      printer.out(`  engine ${engine.name}: ${engine.model} at ${engine.url}`);
    }
    for (const model of config.models) {
      printer.out(`  model ${model.name}: ${model.candidates.join(", ")}`);
    }
    const { choice, order, file } = config.policy;
    const from = file === undefined ? "" : `, own rules from ${file}`;
    printer.out(`  policy ${choice}, order ${order}${from}`);
  }
  return 0;
}
