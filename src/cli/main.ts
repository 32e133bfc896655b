import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { createPrinter, type ExitCode } from "./printer.ts";

/** The command line: parses, loads only what the command needs, and turns its answer into the exit code. */

const printer = createPrinter();

function number(text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value < 0) {
    throw new InvalidArgumentError("must be a number that is not negative");
  }
  return value;
}

function whole(text: string): number {
  const value = number(text);
  if (!Number.isSafeInteger(value)) throw new InvalidArgumentError("must be a whole number");
  return value;
}

const names = (text: string): string[] => text.split(",").filter((name) => name !== "");

/** Options of a run over recorded workflows, the same for `replay` and `simulate`. */
function withWorkload(command: Command): Command {
  return command
    .option("--runs <files...>", "recorded runs (JSON Lines, .gz or not)")
    .option("--tasks <files...>", "prompts by task", [])
    .option("--templates <file>", "first messages by template")
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
    .option("--parts <names>", "parts of the runs to play; else all but train", names)
    .option("--external-ms-per-token <ms>", "time of calls to other models", number, 20)
    .option("--seed <n>", "start of every random choice", whole, 1)
    .option("--json", "print JSON", false);
}

interface WorkloadOptions {
  readonly runs?: string[];
  readonly tasks: string[];
  readonly templates?: string;
  readonly models?: string[];
  readonly arrivals?: string;
  readonly load: number;
  readonly engines?: string;
  readonly policy: string[];
  readonly parts?: string[];
  readonly externalMsPerToken: number;
  readonly seed: number;
  readonly json: boolean;
  readonly workflows: number;
}

function workloadFlags(options: WorkloadOptions) {
  const { tasks, templates, arrivals, load, engines, seed, json, workflows } = options;
  return {
    runs: options.runs ?? [],
    models: options.models ?? [],
    parts: options.parts ?? null,
    policies: options.policy,
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

function asksForRuns(options: WorkloadOptions): boolean {
  if (options.runs !== undefined && options.models !== undefined) return true;
  printer.say("give --runs FILE... and --models NAME,NAME (see --help)");
  return false;
}

function createProgram(exit: (code: ExitCode) => void): Command {
  const program = new Command("chimera")
    .description("One scheduler between agents and their engines.")
    .showHelpAfterError()
    .exitOverride();
  addCheck(program, exit);
  addSimulate(program, exit);
  return program;
}

function addCheck(program: Command, exit: (code: ExitCode) => void): void {
  program
    .command("check")
    .description("validate a config: all problems at once, each with its line and key")
    .argument("[file]", "config", "chimera.yaml")
    .option("-c, --config <file>", "the same")
    .option("--json", "print the complete config, secrets masked", false)
    .action(async (file: string, options: { config?: string; json: boolean }) => {
      const { check } = await import("./check.ts");
      exit(await check(options.config ?? file, options.json, printer));
    });
}

function addSimulate(program: Command, exit: (code: ExitCode) => void): void {
  withWorkload(program.command("simulate"))
    .description("run the scheduler under a virtual clock over recorded workflows or one scenario")
    .option("--scenario <file>", "one small exact case instead of runs")
    .option("--workflows <n>", "workflows to play", whole, 2500)
    .addOption(
      new Option("--predictor <name>", "who predicts lengths and confidence")
        .choices(["cold-start", "truth"])
        .default("cold-start"),
    )
    .action(async (options: WorkloadOptions & { scenario?: string; predictor: "cold-start" }) => {
      const { simulateRuns, simulateScenario } = await import("./simulate.ts");
      if (options.scenario !== undefined) {
        return exit(await simulateScenario(options.scenario, options.json, printer));
      }
      if (!asksForRuns(options)) return exit(2);
      const { predictor } = options;
      return exit(await simulateRuns({ ...workloadFlags(options), predictor }, printer));
    });
}

let code: ExitCode = 0;
try {
  await createProgram((answer) => {
    code = answer;
  }).parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  code = error.exitCode === 0 ? 0 : 2;
}
process.exitCode = code;
