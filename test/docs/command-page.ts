import type { Command } from "commander";
import { commandPath, leafCommands } from "../../src/cli/command-tree.ts";
import { EXAMPLES } from "../../src/cli/examples.ts";
import { createProgram } from "../../src/cli/program.ts";

const WIDTH = 100;

const HEAD = `# The command line

Every command with its help, as \`npm run docs\` writes it. In the repository, \`npm run chimera --\` stands for \`chimera\`.

Results go to standard output, everything else to standard error. \`--json\` prints one JSON value: of \`top\` one a line, else one in
all. \`chimera completion bash\` (\`zsh\`, \`fish\`) prints a script by which the shell completes commands and options.

## Exit codes

| code | means                                                                                   |
| ---- | --------------------------------------------------------------------------------------- |
| 0    | it did what was asked; of a command that runs until it is stopped: it was stopped       |
| 1    | it could not: no engine, no gateway, a port that is taken; of \`doctor\`: something fails |
| 2    | it was asked wrongly: an unknown option, a config with mistakes; nothing was started    |
| 3    | nothing had to be changed: \`train --promote\` kept the model that is in use              |
`;

/** The program as it is started, with nowhere to write. */
export function silentProgram(): Command {
  return createProgram({ printer: { out: ignore, say: ignore, progress: ignore }, exit: ignore });
}

function ignore(): void {}

/** docs/cli.md. */
export function commandPage(): string {
  const sections = leafCommands(silentProgram()).map((command) => {
    const path = commandPath(command);
    command.configureOutput({ getOutHelpWidth: () => WIDTH });
    const help = command.helpInformation().trimEnd();
    const examples = (EXAMPLES[path] ?? []).map((line) => `  chimera ${line}`);
    return `## ${path}\n\n\`\`\`text\n${help}\n\nExample:\n${examples.join("\n")}\n\`\`\`\n`;
  });
  return `${HEAD}\n${sections.join("\n")}`;
}
