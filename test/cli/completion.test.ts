import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { completionScript, type Shell } from "../../src/cli/completion.ts";
import { silentProgram } from "../docs/command-page.ts";

const program = silentProgram();

function has(shell: string): boolean {
  return spawnSync(shell, ["-c", "true"]).error === undefined;
}

/** What bash offers for the last of these words. */
function offered(...words: string[]): string[] {
  const script = `${completionScript(program, "bash")}
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _chimera; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout } = spawnSync("bash", ["-c", script, "bash", ...words], { encoding: "utf8" });
  return stdout.split("\n").filter((line) => line !== "");
}

describe("bash", () => {
  test("offers commands, options of the command that was begun, and fixed values", () => {
    expect(offered("chimera", "")).toEqual(expect.arrayContaining(["up", "top", "doctor", "key"]));
    expect(offered("chimera", "do")).toEqual(["doctor"]);
    expect(offered("chimera", "explain", "--s")).toEqual(["--store"]);
    expect(offered("chimera", "key", "n")).toEqual(["new"]);
    expect(offered("chimera", "key", "new", "--a")).toEqual(["--admin"]);
    expect(offered("chimera", "emulate", "--order", "")).toEqual(["fcfs", "priority"]);
    expect(offered("chimera", "train", "l")).toEqual(["length"]);
  });
});

describe.each<[Shell, string[]]>([
  ["bash", ["-n"]],
  ["zsh", ["-n"]],
  ["fish", ["--no-execute"]],
])("the script for %s", (shell, checkOnly) => {
  test("names every command and every long option", () => {
    const script = completionScript(program, shell);
    for (const command of program.commands) {
      expect(script).toContain(command.name());
      for (const { long } of command.options) {
        expect(script).toContain(shell === "fish" ? ` -l ${long?.slice(2)}` : long);
      }
    }
  });

  test.skipIf(!has(shell))(`is what ${shell} can read (skipped where there is no ${shell})`, () => {
    const input = completionScript(program, shell);
    const { status, stderr } = spawnSync(shell, checkOnly, { input, encoding: "utf8" });
    expect(stderr).toBe("");
    expect(status).toBe(0);
  });
});
