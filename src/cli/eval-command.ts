import { Argument, type Command } from "commander";
import type { EvalFlags } from "./eval.ts";
import { names, whole } from "./options.ts";
import type { Session } from "./session.ts";

interface EvalOptions extends Omit<EvalFlags, "what" | "treeCount"> {
  readonly trees: number;
}

export function addEval(program: Command, { printer, exit }: Session): void {
  program
    .command("eval")
    .description("say how good learned predictions are, beside baselines, bounds and noise")
    .addArgument(new Argument("<what>", "what is predicted").choices(["length", "router"]))
    .requiredOption("--runs <files...>", "recorded runs, a file each data set")
    .option("--tasks <files...>", "prompts by task", [])
    .option("--templates <file>", "first messages by template")
    .option("--train <names>", "parts of the runs to learn from", names, ["train"])
    .option("--valid <names>", "parts of the runs to be judged on", names, ["valid"])
    .option("--trees <n>", "trees of a forest", whole, 100)
    .option("--resamples <n>", "draws of an interval", whole, 200)
    .option("--few-runs <n>", "observed runs of the learning point (length)", whole, 200)
    .option("--orders <n>", "orders of the runs that it is tried on", whole, 5)
    .option("--seed <n>", "start of every random choice", whole, 1)
    .option("--json", "print JSON", false)
    .option("--figure <file>", "figure to draw (SVG)")
    .action(async (what: EvalFlags["what"], options: EvalOptions) => {
      const { evaluatePredictions } = await import("./eval.ts");
      const { trees: treeCount, templates, figure } = options;
      exit(await evaluatePredictions({ ...options, what, treeCount, templates, figure }, printer));
    });
}
