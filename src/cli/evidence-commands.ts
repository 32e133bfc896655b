import { availableParallelism } from "node:os";
import { Argument, InvalidArgumentError, Option, type Command } from "commander";
import {
  asksForRuns,
  names,
  number,
  whole,
  withWorkload,
  workloadFlags,
  type WorkloadOptions,
} from "./options.ts";
import type { Session } from "./session.ts";

/** NAME@SECONDS or NAME@SECONDS+SECONDS: which engine is killed, when, and how long it stays away. */
function killOf(text: string): { engine: string; atSeconds: number; downSeconds: number } {
  const match = /^(.+)@(\d+)(?:\+(\d+))?$/.exec(text);
  if (match === null)
    throw new InvalidArgumentError("must be NAME@SECONDS or NAME@SECONDS+SECONDS");
  const [, engine = "", at, down = "5"] = match;
  return { engine, atSeconds: Number(at), downSeconds: Number(down) };
}

export function addReplay(program: Command, { printer, exit }: Session): void {
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
        if (!asksForRuns(options, printer)) return exit(2);
        const { speedup, kill = null } = options;
        return exit(await replayRuns({ ...workloadFlags(options), speedup, kill }, printer));
      },
    );
}

interface SimulateOptions extends WorkloadOptions {
  readonly scenario?: string;
  readonly predictor: "cold-start" | "truth";
  readonly lengthModel?: string;
  readonly routerModel?: string;
  readonly kill?: ReturnType<typeof killOf>;
  readonly patience?: number;
  readonly report?: string;
}

export function addSimulate(program: Command, { printer, exit }: Session): void {
  withWorkload(program.command("simulate"))
    .description("run the scheduler under a virtual clock over recorded workflows or one scenario")
    .option("--scenario <file>", "one small exact case instead of runs")
    .option("--length-model <file>", "predicts remaining lengths, of `train length`")
    .option("--router-model <file>", "predicts confidence, of `train router`")
    .option("--workflows <n>", "workflows to play", whole, 2500)
    .option("--kill <name@s+s>", "an engine dies after so many seconds and returns later", killOf)
    .option("--patience <seconds>", "mean after which clients give up, exponential", number)
    .option("--report <file>", "one self-contained HTML page to write as well")
    .addOption(
      new Option("--predictor <name>", "who predicts lengths and confidence")
        .choices(["cold-start", "truth"])
        .default("cold-start"),
    )
    .action(async (options: SimulateOptions) => {
      const { simulateRuns, simulateScenario } = await import("./simulate.ts");
      if (options.scenario !== undefined) {
        return exit(await simulateScenario(options.scenario, options.json, printer));
      }
      if (!asksForRuns(options, printer)) return exit(2);
      const { predictor, lengthModel, routerModel, kill, patience, report } = options;
      const learned = { predictor, lengthModel, routerModel };
      const flags = { ...workloadFlags(options), ...learned, kill, patience, report };
      return exit(await simulateRuns(flags, printer));
    });
}

export function addImport(program: Command, { printer, exit }: Session): void {
  program
    .command("import")
    .description("turn a gateway's trace store, or logged conversations, into runs")
    .argument("<file>", "trace store (SQLite), or conversations (JSON Lines)")
    .requiredOption("--out <file>", "runs to write; gzipped when it ends in .gz")
    .addOption(
      new Option("--format <name>", "what the file is; else told by its name").choices([
        "traces",
        "chats",
      ]),
    )
    .option("--tasks-out <file>", "prompts to write, for conversations")
    .action(
      async (
        file: string,
        options: { out: string; format?: "traces" | "chats"; tasksOut?: string },
      ) => {
        const { importRuns } = await import("./import.ts");
        const { out, tasksOut } = options;
        const format = options.format ?? (/\.jsonl(\.gz)?$/.test(file) ? "chats" : "traces");
        exit(await importRuns({ file, format, out, tasksOut }, printer));
      },
    );
}

export function addGenerate(program: Command, { printer, exit }: Session): void {
  program
    .command("generate")
    .description("invent workflow runs, calibrated to the paper's statistics")
    .requiredOption("--out <folder>", "where runs and tasks are written")
    .option("--problems <n>", "problems in each domain", whole)
    .option("--seed <n>", "start of every random choice", whole)
    .action(async (options: { out: string; problems?: number; seed?: number }) => {
      const { generate } = await import("./generate.ts");
      const { out, problems, seed } = options;
      exit(await generate({ out, problems, seed }, printer));
    });
}

interface LearnOptions {
  readonly runs: string[];
  readonly tasks: string[];
  readonly templates?: string;
}

function withLearning(command: Command): Command {
  return command
    .addArgument(new Argument("<what>", "what is predicted").choices(["length", "router"]))
    .option("--tasks <files...>", "prompts by task", [])
    .option("--templates <file>", "first messages by template");
}

export function addTrain(program: Command, { printer, exit }: Session): void {
  withLearning(program.command("train"))
    .description("learn to predict remaining lengths, or confidence, from recorded runs")
    .addOption(
      new Option("--recipe <name>", "how lengths are learned")
        .choices(["default", "paper"])
        .default("default"),
    )
    .option("--runs <files...>", "recorded runs (JSON Lines, .gz or not)", [])
    .option("--out <file>", "model file to write")
    .option("--model <file>", "the same")
    .option("--trees <n>", "trees of the forest", whole)
    .option(
      "--promote <file>",
      "the model in use: replaced where the new one is better on the newest fifth of the runs, and " +
        "kept as FILE.previous; exits with 3 where it stays",
    )
    .option("--traces <file>", "with --promote: a gateway's trace store to learn from")
    .option("--parts <names>", "parts of the runs to learn from", names, ["train"])
    .option("--seed <n>", "start of every random choice", whole, 1)
    .action(
      async (
        what: "length" | "router",
        options: LearnOptions & {
          recipe: "default" | "paper";
          trees?: number;
          parts: string[];
          seed: number;
          model?: string;
          out?: string;
          promote?: string;
          traces?: string;
        },
      ) => {
        const { templates, trees, traces, promote: current, out = options.model } = options;
        if (current !== undefined) {
          const { promote } = await import("./promote.ts");
          return exit(
            await promote({ ...options, what, templates, trees, traces, current }, printer),
          );
        }
        if (options.runs.length === 0) {
          printer.say("say with --runs what is learned from");
          return exit(2);
        }
        const { train } = await import("./train.ts");
        if (out === undefined) {
          printer.say("say with --out where the model is written");
          return exit(2);
        }
        return exit(await train({ ...options, what, templates, trees, out }, printer));
      },
    );
}

export function addPredict(program: Command, { printer, exit }: Session): void {
  withLearning(program.command("predict"))
    .description("answer for runs that were cut before a stage, one JSON line each")
    .requiredOption("--runs <files...>", "runs that were cut (JSON Lines, .gz or not)")
    .requiredOption("--model <file>", "model file, of `train`")
    .requiredOption("--out <file>", "answers to write")
    .action(
      async (what: "length" | "router", options: LearnOptions & { model: string; out: string }) => {
        const { predict } = await import("./train.ts");
        const { templates } = options;
        exit(await predict({ ...options, what, templates }, printer));
      },
    );
}

interface EvaluateOptions {
  readonly quick: boolean;
  readonly experiments: string;
  readonly only: string[];
  readonly data: string;
  readonly page: string;
  readonly results?: string;
  readonly report?: string;
  readonly from?: string[];
  readonly threads: number;
}

export function addEvaluate(program: Command, { printer, exit }: Session): void {
  program
    .command("evaluate")
    .description("run the experiments and write the page with their tables and figures")
    .option("--quick", "a part of the runs, in minutes", false)
    .option("--experiments <folder>", "experiment files", "experiments")
    .option("--only <names>", "experiments to run; else all, and the page", names, [])
    .option("--data <folder>", "recorded runs and arrivals", "../shared/data")
    .option("--page <file>", "page to write", "docs/evaluation.md")
    .option("--results <file>", "results to write, one JSON line a simulation")
    .option("--report <file>", "one self-contained HTML page to write as well")
    .option("--from <files...>", "earlier results: renders the page without simulating")
    .addOption(
      new Option("--threads <n>", "simulations at a time")
        .argParser(whole)
        .default(availableParallelism(), "the cores"),
    )
    .action(async (options: EvaluateOptions) => {
      const { evaluate } = await import("./evaluate.ts");
      const { results, threads } = options;
      const flags = { ...options, results, threads: Math.max(1, threads) };
      exit(await evaluate(flags, printer));
    });
}
