import type { Command } from "commander";

/** Its words behind the program's name, such as `key new`; "" for the program itself. */
export function commandPath(command: Command): string {
  const words: string[] = [];
  for (let each = command; each.parent !== null; each = each.parent) words.unshift(each.name());
  return words.join(" ");
}

/** All commands below and with this one, in the order of the help. */
export function allCommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(allCommands)];
}

/** Those that do something themselves. */
export function leafCommands(program: Command): Command[] {
  return allCommands(program).filter(({ commands }) => commands.length === 0);
}
