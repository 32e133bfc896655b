import { InvalidArgumentError, type Command } from "commander";
import { parseTarget } from "../config/target.ts";
import type { Target } from "../core/types.ts";
import type { WorkloadFlags } from "./played-workload.ts";
import type { Printer } from "./printer.ts";
import type { PolicyFlags } from "./simulate.ts";

/** A number that is not negative. */
export function number(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value < 0) {
    throw new InvalidArgumentError("must be a number that is not negative");
  }
  return value;
}

export function whole(text: string): number {
  const value = number(text);
  if (!Number.isSafeInteger(value)) throw new InvalidArgumentError("must be a whole number");
  return value;
}

/** What a price moves to meet. */
export function target(text: string): Target {
  const parsed = parseTarget(text);
  if (parsed !== null) return parsed;
  throw new InvalidArgumentError("must be latency=MS_PER_TOKEN or score=0..1");
}

/** A name that needs no quotes in a config. */
export function keyName(text: string): string {
  if (/^[A-Za-z][\w.-]{0,127}$/.test(text)) return text;
  throw new InvalidArgumentError("must be letters, digits, dots, dashes, at most 128");
}

export const names = (text: string): string[] => text.split(",").filter((name) => name !== "");

/** Options of a run over recorded workflows, the same for `replay` and `simulate`. */
export function withWorkload(command: Command): Command {
  return withRuns(command)
    .option("--models <names>", "models of the runs, first the one that breaks ties", names)
    .option("--arrivals <file>", "arrival times, a CSV whose first column is seconds; else Poisson")
    .option(
      "--load <share>",
      "1 is what the engines complete under a permanent backlog",
      number,
      0.95,
    )
    .option("--engines <file>", "engines in YAML: timing, limits, profile")
    .option("--policy <names>", "policies to compare, the first is the baseline", names, [
      "balancer",
      "auto",
    ])
    .option("--target <goal>", "auto's price moves to meet it: latency=40 or score=0.6", target)
    .option("--seed <n>", "start of every random choice", whole, 1)
    .option("--json", "print JSON", false);
}

export interface WorkloadOptions {
  readonly runs?: string[];
  readonly tasks: string[];
  readonly templates?: string;
  readonly models?: string[];
  readonly arrivals?: string;
  readonly load: number;
  readonly engines?: string;
  readonly policy: string[];
  readonly target?: Target;
  readonly parts?: string[];
  readonly externalMsPerToken: number;
  readonly seed: number;
  readonly json: boolean;
  readonly workflows: number;
}

export function workloadFlags(
  options: WorkloadOptions,
): WorkloadFlags & PolicyFlags & { readonly json: boolean } {
  const { tasks, templates, arrivals, load, engines, seed, json, workflows } = options;
  return {
    runs: options.runs ?? [],
    models: options.models ?? [],
    parts: options.parts ?? null,
    policies: options.policy,
    target: options.target ?? null,
    externalMsPerToken: options.externalMsPerToken,
    tasks,
    templates,
    arrivals,
    load,
    engines,
    seed,
    json,
    workflows,
  };
}

export function asksForRuns(options: WorkloadOptions, printer: Printer): boolean {
  if (options.runs !== undefined && options.models !== undefined) return true;
  printer.say("give --runs FILE... and --models NAME,NAME (see --help)");
  return false;
}

/** Recorded runs, for commands that play them. */
export function withRuns(command: Command): Command {
  return command
    .option("--runs <files...>", "recorded runs (JSON Lines, .gz or not)")
    .option("--tasks <files...>", "prompts by task", [])
    .option("--templates <file>", "first messages by template")
    .option("--parts <names>", "parts of the runs to play; else all but train", names)
    .option("--external-ms-per-token <ms>", "time of calls to other models", number, 20);
}

/** Options that overrule a config. */
export function withConfigFlags(command: Command): Command {
  return command
    .option("--listen <address>", "host:port to listen on")
    .option("--port <n>", "port to listen on; 0 is any free one")
    .option("--open", "accept that others reach it although there are no keys")
    .option("--log-level <level>", "trace, debug, info, warn, error, fatal or silent")
    .option("--policy <name>", "a policy by name, or the file of your own; instead of the config's")
    .option("--choice <name>", "how a model is chosen")
    .option("--order <name>", "how a queue is ordered")
    .option("--price <kappa>", "price of time in units of score")
    .option(
      "--target <goal>",
      "the price moves to meet it: latency=40 (ms a token) or score=0.6",
      target,
    )
    .option(
      "--length-model <file>",
      'predicts remaining lengths, of `train length`; "off" for none',
    )
    .option(
      "--router-model <file>",
      'predicts confidence: of `train router`, or an encoder of training/; "off" for none',
    )
    .option("--store <path>", 'trace store; "off" for none');
}

export interface ConfigOptions {
  readonly listen?: string;
  readonly port?: string;
  readonly open?: boolean;
  readonly logLevel?: string;
  readonly policy?: string;
  readonly choice?: string;
  readonly order?: string;
  readonly price?: string;
  readonly target?: Target;
  readonly lengthModel?: string;
  readonly routerModel?: string;
  readonly store?: string;
}
