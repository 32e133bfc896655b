import type { Command } from "commander";
import { allCommands, commandPath } from "./command-tree.ts";

export type Shell = "bash" | "zsh" | "fish";

/** One word that may follow. */
interface Word {
  readonly text: string;
  readonly meaning: string;
}

/** One command as shells are told of it. */
interface CommandWords {
  /** With the program's name in front. */
  readonly path: string;
  readonly words: readonly Word[];
  /** Values by the option, as it is typed, that they follow. */
  readonly values: ReadonlyMap<string, readonly string[]>;
}

/** A script for the shell that knows every command, option and fixed value of the program. */
export function completionScript(program: Command, shell: Shell): string {
  const commands = allCommands(program).map((command) => wordsOf(program.name(), command));
  switch (shell) {
    case "bash":
      return bashScript(program.name(), commands);
    case "zsh":
      return zshScript(program.name(), commands);
    case "fish":
      return fishScript(program.name(), commands);
  }
}

function wordsOf(program: string, command: Command): CommandWords {
  const help = command.createHelp();
  const options = help.visibleOptions(command);
  const flags = options.flatMap(({ long, description }) =>
    long === undefined || long === null ? [] : [{ text: long, meaning: description }],
  );
  const subcommands = help.visibleCommands(command).map((each) => ({
    text: each.name(),
    meaning: each.description(),
  }));
  const choices = command.registeredArguments.flatMap(({ argChoices = [], description }) =>
    argChoices.map((text) => ({ text, meaning: description })),
  );
  const values = new Map<string, readonly string[]>();
  for (const { long, argChoices } of options) {
    if (typeof long === "string" && argChoices !== undefined) values.set(long, argChoices);
  }
  const path = `${program} ${commandPath(command)}`.trimEnd();
  return { path, words: [...subcommands, ...choices, ...flags], values };
}

function bashScript(program: string, commands: readonly CommandWords[]): string {
  return `# Completion of ${program} for bash: source it, or put it where bash-completion looks.
_${program}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}"
  local command=${program} word words=
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$command $word" in
      ${pathPattern(commands)}) command="$command $word" ;;
    esac
  done
  case "$command $before" in
${valueCases(commands, (values) => `words=${quoted(values.join(" "))}`)}
    *) case "$command" in
${commands.map(({ path, words }) => `      ${quoted(path)}) words=${quoted(words.map(({ text }) => text).join(" "))} ;;`).join("\n")}
    esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _${program} ${program}
`;
}

function zshScript(program: string, commands: readonly CommandWords[]): string {
  return `#compdef ${program}
# Completion of ${program} for zsh: put it as _${program} into a folder of $fpath.
_${program}() {
  local command=${program} word
  local -a known
  for word in "\${(@)words[2,CURRENT-1]}"; do
    case "$command $word" in
      ${pathPattern(commands)}) command="$command $word" ;;
    esac
  done
  case "$command $words[CURRENT-1]" in
${valueCases(commands, (values) => `compadd -- ${values.map(quoted).join(" ")}; return`)}
  esac
  case "$command" in
${commands.map(({ path, words }) => `    ${quoted(path)}) known=(${words.map(described).join(" ")}) ;;`).join("\n")}
  esac
  _describe ${program} known
  _files
}
compdef _${program} ${program}
`;
}

function fishScript(program: string, commands: readonly CommandWords[]): string {
  const lines = commands.flatMap(({ path, words, values }) => {
    const when = `complete -c ${program} -n ${quoted(`test (__${program}_command) = "${path}"`)}`;
    return words.map(({ text, meaning }) => {
      if (!text.startsWith("--")) return `${when} -a ${quoted(text)} -d ${quoted(meaning)}`;
      const fixed = values.get(text);
      const takes = fixed === undefined ? "" : ` -x -a ${quoted(fixed.join(" "))}`;
      return `${when} -l ${text.slice(2)}${takes} -d ${quoted(meaning)}`;
    });
  });
  const paths = commands.flatMap(({ path }) => (path === program ? [] : [quoted(path)]));
  return `# Completion of ${program} for fish: put it into ~/.config/fish/completions/${program}.fish
function __${program}_command
    set -l command ${program}
    for word in (commandline -opc)[2..-1]
        contains -- "$command $word" ${paths.join(" ")}
        and set command "$command $word"
    end
    echo $command
end
${lines.join("\n")}
`;
}

/** A word of zsh's `_describe`. */
function described({ text, meaning }: Word): string {
  return quoted(`${text.replaceAll(":", "\\:")}:${meaning}`);
}

/** The paths below the program itself, as a pattern of \`case\`. */
function pathPattern(commands: readonly CommandWords[]): string {
  const paths = commands.map(({ path }) => path).filter((path) => path.includes(" "));
  return paths.map(quoted).join("|");
}

function valueCases(
  commands: readonly CommandWords[],
  answer: (values: readonly string[]) => string,
): string {
  return commands
    .flatMap(({ path, values }) =>
      Array.from(values, ([flag, each]) => `    ${quoted(`${path} ${flag}`)}) ${answer(each)} ;;`),
    )
    .join("\n");
}

/** One word of a shell, whatever is in it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
