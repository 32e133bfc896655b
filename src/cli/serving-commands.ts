import { Option, type Command } from "commander";
import {
  keyName,
  number,
  whole,
  withConfigFlags,
  withRuns,
  type ConfigOptions,
  type WorkloadOptions,
} from "./options.ts";
import type { Session } from "./session.ts";

export function addUp(program: Command, { printer, exit }: Session): void {
  withConfigFlags(program.command("up"))
    .description("three emulated engines and the gateway in front of them, ready to serve")
    .option("--speedup <factor>", "how much faster than real time the engines run", number, 1)
    .option("--demo [rate]", "let agents run: workflows that start per second (0.5)", number)
    .action(async (options: ConfigOptions & { speedup: number; demo?: number | true }) => {
      const { up } = await import("./up.ts");
      const demo = options.demo === true ? 0.5 : (options.demo ?? 0);
      exit(await up({ ...options, demo }, printer));
    });
}

export function addDemo(program: Command, { printer, exit }: Session): void {
  program
    .command("demo")
    .description("agents that never stop: the shipped sample's workflows against a gateway of `up`")
    .option("--url <base>", "base of the gateway's API", "http://127.0.0.1:8080/v1")
    .option("--rate <n>", "workflows that start per second", number, 0.5)
    .option("--seed <n>", "start of every random choice", whole, 1)
    .option("--with-parent", "end when standard input ends", false)
    .action(async (options: { url: string; rate: number; seed: number; withParent: boolean }) => {
      const { demo } = await import("./demo.ts");
      if (options.withParent) process.stdin.resume().once("close", () => process.exit());
      exit(await demo(options, printer));
    });
}

export function addServe(program: Command, { printer, exit }: Session): void {
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

export function addEmulate(program: Command, { printer, exit }: Session): void {
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

export function addCheck(program: Command, { printer, exit }: Session): void {
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

export function addKey(program: Command, { printer, exit }: Session): void {
  program
    .command("key")
    .description("keys of clients")
    .command("new")
    .description("make a key: standard output has the key alone, standard error the config's line")
    .option("--name <name>", "what logs and metrics call it", keyName, "team-a")
    .option("--admin", "the operators' token instead", false)
    .action(async ({ name, admin }: { name: string; admin: boolean }) => {
      const { newKey } = await import("./key.ts");
      exit(newKey(name, admin, printer));
    });
}
