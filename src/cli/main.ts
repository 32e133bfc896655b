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
  addUp(program, exit);
  addServe(program, exit);
  addEmulate(program, exit);
  addReplay(program, exit);
  addSimulate(program, exit);
  addCheck(program, exit);
  return program;
}

/** Options that overrule a config. */
function withConfigFlags(command: Command): Command {
  return command
    .option("--listen <address>", "host:port to listen on")
    .option("--port <n>", "port to listen on; 0 is any free one")
    .option("--log-level <level>", "trace, debug, info, warn, error, fatal or silent")
    .option("--choice <name>", "how a model is chosen")
    .option("--order <name>", "how a queue is ordered")
    .option("--price <kappa>", "price of time in units of score")
    .option("--store <path>", 'trace store; "off" for none');
}

interface ConfigOptions {
  readonly listen?: string;
  readonly port?: string;
  readonly logLevel?: string;
  readonly choice?: string;
  readonly order?: string;
  readonly price?: string;
  readonly store?: string;
}

function addUp(program: Command, exit: (code: ExitCode) => void): void {
  withConfigFlags(program.command("up"))
    .description("three emulated engines and the gateway in front of them, ready to serve")
    .option("--speedup <factor>", "how much faster than real time the engines run", number, 1)
    .action(async (options: ConfigOptions & { speedup: number }) => {
      const { up } = await import("./up.ts");
      exit(await up(options, printer));
    });
}

function addServe(program: Command, exit: (code: ExitCode) => void): void {
  withConfigFlags(program.command("serve"))
    .description("the gateway in front of your engines")
    .option("-c, --config <file>", "config", "chimera.yaml")
    .option("--record-events <file>", "log every step of the scheduler, to be replayed")
    .action(async (options: ConfigOptions & { config: string; recordEvents?: string }) => {
      const { serve } = await import("./serve.ts");
      const { recordEvents } = options;
      exit(await serve({ ...options, recordEvents }, printer));
    });
}

/** Recorded runs, for commands that play them. */
function withRuns(command: Command): Command {
  return command
    .option("--runs <files...>", "recorded runs (JSON Lines, .gz or not)")
    .option("--tasks <files...>", "prompts by task", [])
    .option("--templates <file>", "first messages by template")
    .option("--parts <names>", "parts of the runs to play; else all but train", names)
    .option("--external-ms-per-token <ms>", "time of calls to other models", number, 20);
}

interface EmulateOptions {
  readonly name?: string;
  readonly model: string;
  readonly port: number;
  readonly host: string;
  readonly speedup: number;
  readonly maxSequences: number;
  readonly kvTokens: number;
  readonly chunkTokens: number;
  readonly baseMs: number;
  readonly perSequenceMs: number;
  readonly perKvTokenMs: number;
  readonly perPromptTokenMs: number;
  readonly prefixCache: boolean;
  readonly maxModelLen: number;
  readonly queueRequestsMax: number;
  readonly order: "fcfs" | "priority";
  readonly seed: number;
  readonly withParent: boolean;
  readonly json: boolean;
}

function addEmulate(program: Command, exit: (code: ExitCode) => void): void {
  withRuns(program.command("emulate"))
    .description("one emulated engine behind an OpenAI API: generated answers, or recorded ones")
    .requiredOption("--model <name>", "the model that it serves")
    .option("--name <name>", "its name; else the model's")
    .option("--port <n>", "port to listen on; 0 is any free one", whole, 0)
    .option("--host <address>", "address to listen on", "127.0.0.1")
    .option("--speedup <factor>", "how much faster than real time it runs", number, 1)
    .option("--max-sequences <n>", "sequences that run at once", whole, 16)
    .option("--kv-tokens <n>", "KV memory", whole, 100_000)
    .option("--chunk-tokens <n>", "tokens that one iteration computes at most", whole, 2048)
    .option("--base-ms <ms>", "time of an iteration", number, 20)
    .option("--per-sequence-ms <ms>", "and per decoding sequence", number, 0.5)
    .option("--per-kv-token-ms <ms>", "and per token held", number, 0)
    .option("--per-prompt-token-ms <ms>", "and per prompt token computed", number, 0.1)
    .option("--no-prefix-cache", "computes every prompt anew")
    .option("--max-model-len <n>", "longest prompt with its answer", whole, 32_768)
    .option("--queue-requests-max <n>", "requests that may wait; more are refused", whole, 1024)
    .addOption(new Option("--order <name>").choices(["fcfs", "priority"]).default("fcfs"))
    .option("--seed <n>", "of lengths and texts", whole, 1)
    .option("--with-parent", "end when standard input ends", false)
    .option("--json", "say where it listens as JSON", false)
    .action(async (options: EmulateOptions & WorkloadOptions) => {
      const { emulate } = await import("./emulate.ts");
      const { runs = [], tasks, templates, parts = null, externalMsPerToken } = options;
      const { withParent, json, model, name = model, ...rest } = options;
      const engine = { ...rest, model, name };
      const recorded = { runs, tasks, templates, parts, externalMsPerToken, models: [model] };
      exit(await emulate({ ...recorded, engine, withParent, json }, printer));
    });
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

/** NAME@SECONDS or NAME@SECONDS+SECONDS: which engine is killed, when, and how long it stays away. */
function killOf(text: string): { engine: string; atSeconds: number; downSeconds: number } {
  const match = /^(.+)@(\d+)(?:\+(\d+))?$/.exec(text);
  if (match === null)
    throw new InvalidArgumentError("must be NAME@SECONDS or NAME@SECONDS+SECONDS");
  const [, engine = "", at, down = "5"] = match;
  return { engine, atSeconds: Number(at), downSeconds: Number(down) };
}

function addReplay(program: Command, exit: (code: ExitCode) => void): void {
  withWorkload(program.command("replay"))
    .description("play recorded workflows over HTTP through a live gateway and emulated engines")
    .option("--workflows <n>", "workflows to play", whole, 200)
    .option("--speedup <factor>", "how much faster than real time", number, 2)
    .option(
      "--kill <name@s+s>",
      "kill an engine after so many seconds, start it again later",
      killOf,
    )
    .action(
      async (options: WorkloadOptions & { speedup: number; kill?: ReturnType<typeof killOf> }) => {
        const { replayRuns } = await import("./replay.ts");
        if (!asksForRuns(options)) return exit(2);
        const { speedup, kill = null } = options;
        return exit(await replayRuns({ ...workloadFlags(options), speedup, kill }, printer));
      },
    );
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
