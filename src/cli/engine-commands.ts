import type { Command } from "commander";
import { number, whole } from "./options.ts";
import type { Session } from "./session.ts";

interface ProfileOptions {
  readonly config: string;
  readonly model?: string;
  readonly sequencesMax?: number;
  readonly outputTokens: number;
  readonly repeats: number;
  readonly tokensMax: number;
  readonly secondsMax: number;
  readonly engineFile?: string;
  readonly write: boolean;
  readonly json: boolean;
}

export function addProfile(program: Command, { printer, exit }: Session): void {
  program
    .command("profile")
    .description("measure an engine with real requests: ms per token by batch, prefill rate")
    .argument("<engine>", "its URL, or its name in the config")
    .option("-c, --config <file>", "config", "chimera.yaml")
    .option("--model <name>", "model to ask for at a URL; else the first that it lists")
    .option("--sequences-max <n>", "largest batch, where the engine does not tell", whole)
    .option("--output-tokens <n>", "of the longer requests", whole, 128)
    .option("--repeats <n>", "times that each setting is measured", whole, 3)
    .option("--tokens-max <n>", "tokens that it may cost, prompts included", whole, 200_000)
    .option("--seconds-max <n>", "time that it may take", number, 300)
    .option("--engine-file <file>", "write the table for `simulate --engines`")
    .option("--write", "write the speed into the config; comments stay", false)
    .option("--json", "print JSON", false)
    .addHelpText("after", "\nExample: chimera profile http://127.0.0.1:8000/v1 --sequences-max 32")
    .action(async (engine: string, options: ProfileOptions) => {
      const { profile } = await import("./profile.ts");
      const { model, sequencesMax, engineFile } = options;
      exit(await profile({ ...options, engine, model, sequencesMax, engineFile }, printer));
    });
}
