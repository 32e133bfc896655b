import { beforeAll, describe, expect, it } from "vitest";
import { CODE_TASKS } from "../../examples/workflows/code-tasks.ts";
import {
  findPython,
  PROGRAM_LIMITS,
  runProgram,
  type ProgramResult,
} from "../../examples/workflows/program-run.ts";
import { CODE_SOLUTIONS } from "./code-solutions.ts";

let python = "";
beforeAll(async () => {
  python = (await findPython()) ?? "";
});

/** Short, so that what never ends ends soon. */
const LIMITS = { ...PROGRAM_LIMITS, cpuSeconds: 1, memoryMib: 128, wallMs: 20_000 };

async function end(program: string, limits: object = {}): Promise<ProgramResult | undefined> {
  const test = { input: "3", output: "3" };
  return (await runProgram(python, program, [test], { ...LIMITS, ...limits }))[0];
}

describe("a program", () => {
  it.each(CODE_TASKS.map((task) => [task.id, task] as const))("solves %s", async (id, task) => {
    const program = CODE_SOLUTIONS[id] ?? "";
    const results = await runProgram(python, program, [task.example, ...task.tests]);
    expect(results.map((result) => result.end)).toEqual(results.map(() => "right"));
  });

  it("is wrong when it prints something else", async () => {
    expect(await end("print(4)")).toMatchObject({ end: "wrong output", output: "4\n" });
  });

  it("fails with its last words", async () => {
    expect(await end("1 / 0")).toMatchObject({
      end: "failed",
      complaint: "ZeroDivisionError: division by zero",
    });
  });

  it("is killed when it loops", async () => {
    expect(await end("while True: pass")).toMatchObject({ end: "out of time" });
  });

  it("is killed when it sleeps, with what it started", async () => {
    const program = `import subprocess
subprocess.Popen(["/bin/sleep", "600"], start_new_session=True)
subprocess.run(["/bin/sleep", "600"])`;
    expect(await end(program, { wallMs: 500 })).toMatchObject({ end: "out of time" });
  });

  it("gets no more memory than it may have", async () => {
    expect(await end("x = bytearray(1 << 30)")).toMatchObject({
      end: "failed",
      complaint: "MemoryError",
    });
  });

  it("is killed when it prints without end", async () => {
    const program = `while True: print("x" * 1000)`;
    expect(await end(program)).toMatchObject({ end: "too much output" });
  });

  it("writes no large file", async () => {
    const program = `open("large", "wb").write(bytes(1 << 22))`;
    expect((await end(program))?.end).toBe("failed");
  });

  it("sees no environment and an empty folder", async () => {
    const program = `import os, sys
print(sorted(set(os.environ) - {"PWD", "SHLVL", "_", "OLDPWD", "LC_CTYPE"}), os.listdir())`;
    expect(await end(program)).toMatchObject({ output: "[] []\n" });
  });
});
