import { InvalidArgumentError, Option, type Command } from "commander";
import {
  asksForRuns,
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

export function addSimulate(program: Command, { printer, exit }: Session): void {
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
      if (!asksForRuns(options, printer)) return exit(2);
      const { predictor } = options;
      return exit(await simulateRuns({ ...workloadFlags(options), predictor }, printer));
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
