import { InvalidArgumentError, type Command } from "commander";
import { names } from "./options.ts";
import type { Session } from "./session.ts";

interface InitOptions {
  readonly config: string;
  readonly ports?: readonly number[];
  readonly force: boolean;
  readonly stdout: boolean;
}

export function addInit(program: Command, { printer, exit }: Session): void {
  program
    .command("init")
    .description(
      "look for engines on this machine, and at OPENAI_BASE_URL with OPENAI_API_KEY, and write a config for them",
    )
    .option("-c, --config <file>", "the config to write", "chimera.yaml")
    .option("--ports <numbers>", "local ports to look at; else the usual ones", ports)
    .option("--force", "replace a config that is there; the old one stays beside it", false)
    .option("--stdout", "print the config and write nothing", false)
    .action(async (options: InitOptions) => {
      const [{ init }, { createInterface }] = await Promise.all([
        import("./init.ts"),
        import("node:readline/promises"),
      ]);
      const isPerson = process.stdin.isTTY && process.stderr.isTTY && !options.stdout;
      const lines = isPerson
        ? createInterface({ input: process.stdin, output: process.stderr })
        : null;
      const ask = lines === null ? null : (question: string) => lines.question(question);
      try {
        const flags = { ...options, ports: options.ports ?? null };
        exit(await init(flags, { printer, environment: process.env, ask }));
      } finally {
        lines?.close();
      }
    });
}

function ports(text: string): number[] {
  const numbers = names(text).map(Number);
  if (numbers.every(isPort)) return numbers;
  throw new InvalidArgumentError("must be ports from 1 to 65535, such as 8000,8001");
}

function isPort(port: number): boolean {
  return Number.isInteger(port) && port > 0 && port < 65_536;
}

export function addDoctor(program: Command, { printer, exit }: Session): void {
  program
    .command("doctor")
    .description("what is wrong with a config, its engines and this machine, and how to mend it")
    .option("-c, --config <file>", "config", "chimera.yaml")
    .option("--json", "print JSON", false)
    .action(async (options: { config: string; json: boolean }) => {
      const { doctor } = await import("./doctor.ts");
      exit(await doctor(options, printer));
    });
}
