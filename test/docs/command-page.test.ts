import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { commandPath, leafCommands } from "../../src/cli/command-tree.ts";
import { EXAMPLES } from "../../src/cli/examples.ts";
import { commandPage, silentProgram } from "./command-page.ts";

const paths = leafCommands(silentProgram()).map(commandPath);

describe("the page of the command line", () => {
  it("is what the commands' help gives; `npm run docs` writes it", () => {
    const file = new URL("../../docs/cli.md", import.meta.url);
    expect(readFileSync(file, "utf8")).toBe(commandPage());
  });

  it("has an example of each command, and of nothing else", () => {
    expect(Object.keys(EXAMPLES).toSorted()).toEqual(paths.toSorted());
  });

  const lines = Object.entries(EXAMPLES).flatMap(([path, each]) =>
    each.map((line): [string, string] => [line, path]),
  );
  it.each(lines)("takes `%s`", async (line, path) => {
    const program = silentProgram();
    const run: string[] = [];
    for (const command of leafCommands(program)) {
      command.action(() => void run.push(commandPath(command)));
      command.configureOutput({ writeErr: () => undefined });
    }
    const words = line.replace(/ > .*/, "").split(" ");
    await program.parseAsync(words, { from: "user" });
    expect(run).toEqual([path]);
  });
});
