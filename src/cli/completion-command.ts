import { Argument, type Command } from "commander";
import type { Shell } from "./completion.ts";
import type { Session } from "./session.ts";

export function addCompletion(program: Command, { printer, exit }: Session): void {
  program
    .command("completion")
    .description("a script by which a shell completes commands and options")
    .addArgument(new Argument("<shell>", "which shell").choices(["bash", "zsh", "fish"]))
    .action(async (shell: Shell) => {
      const { completionScript } = await import("./completion.ts");
      printer.out(completionScript(program, shell).trimEnd());
      exit(0);
    });
}
