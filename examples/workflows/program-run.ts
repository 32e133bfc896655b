import { execFile, spawn, type ChildProcess } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { ProgramTest } from "./task.ts";

/** What one program may take for one test. */
export interface ProgramLimits {
  /** From its start to its end; sleeping counts. */
  readonly wallMs: number;
  readonly cpuSeconds: number;
  /** Of address space. */
  readonly memoryMib: number;
  readonly fileMib: number;
  readonly outputBytesMax: number;
}

export const PROGRAM_LIMITS: ProgramLimits = {
  wallMs: 5_000,
  cpuSeconds: 2,
  memoryMib: 512,
  fileMib: 1,
  outputBytesMax: 64 * 1024,
};

export type ProgramEnd = "right" | "wrong output" | "failed" | "out of time" | "too much output";

export interface ProgramResult {
  readonly end: ProgramEnd;
  readonly output: string;
  /** The last line of its standard error. */
  readonly complaint: string;
}

const ERROR_BYTES_MAX = 4_096;

/** The interpreter itself: what a version manager puts on the path is a script that needs an environment. */
export async function findPython(): Promise<string | null> {
  try {
    const { stdout } = await promisify(execFile)("python3", [
      "-I",
      "-c",
      "import sys; print(sys.executable)",
    ]);
    return stdout.trim();
  } catch {
    return null;
  }
}

/**
 * Runs one Python program over tests, one process each: isolated mode, an empty folder, no environment,
 * limits of the operating system on processor time, address space and file size, and a clock that kills the
 * process group. This keeps a program that loops or grows from hurting the run. It is no sandbox: the program
 * has the rights of this user, reaches the network and every file, and may leave its group. The first test that
 * runs out of time is the last.
 */
export async function runProgram(
  python: string,
  program: string,
  tests: readonly ProgramTest[],
  limits: ProgramLimits = PROGRAM_LIMITS,
): Promise<ProgramResult[]> {
  const folder = await mkdtemp(join(tmpdir(), "workflow-program-"));
  const results: ProgramResult[] = [];
  try {
    const file = join(folder, "program.py");
    await writeFile(file, program);
    for (const [index, test] of tests.entries()) {
      const empty = join(folder, String(index));
      await mkdir(empty);
      const result = await runOnce(start(python, file, empty, limits), test, limits);
      results.push(result);
      // What never ends for one input costs as much for the next.
      if (result.end === "out of time") break;
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return results;
}

function start(python: string, file: string, cwd: string, limits: ProgramLimits): ChildProcess {
  const { cpuSeconds, memoryMib, fileMib } = limits;
  const blocks = fileMib * 2048;
  const limiting = `ulimit -c 0 && ulimit -t ${cpuSeconds} && ulimit -v ${memoryMib * 1024} && ulimit -f ${blocks}`;
  // A group of its own, so that what it starts can be killed with it.
  return spawn("/bin/sh", ["-c", `${limiting} && exec "$0" "$@"`, python, "-I", file], {
    cwd,
    env: {},
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
  });
}

function runOnce(
  child: ChildProcess,
  test: ProgramTest,
  limits: ProgramLimits,
): Promise<ProgramResult> {
  return new Promise((resolve) => {
    let stopped: "out of time" | "too much output" | null = null;
    const [output, complaint]: [Buffer[], Buffer[]] = [[], []];
    let bytes = 0;
    let complaintBytes = 0;
    const stop = (reason: "out of time" | "too much output"): void => {
      stopped ??= reason;
      killGroup(child);
      // One that left the group may hold them open.
      child.stdout?.destroy();
      child.stderr?.destroy();
    };
    const clock = setTimeout(() => stop("out of time"), limits.wallMs);
    child.stdout?.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > limits.outputBytesMax) stop("too much output");
      else output.push(chunk);
    });
    child.stderr?.on("data", (chunk: Buffer) => {
      if (complaintBytes < ERROR_BYTES_MAX) complaint.push(chunk);
      complaintBytes += chunk.length;
    });
    // A program need not read its input.
    child.stdin?.on("error", () => {});
    child.stdin?.end(`${test.input}\n`);
    child.once("error", (error) => {
      clearTimeout(clock);
      resolve({ end: "failed", output: "", complaint: error.message });
    });
    // What it started may hold its pipes open; they close when the group is dead.
    child.once("exit", () => killGroup(child));
    child.once("close", (code, signal) => {
      clearTimeout(clock);
      const text = Buffer.concat(output).toString();
      const last = Buffer.concat(complaint).toString().trimEnd().split("\n").at(-1) ?? "";
      const isSlow = signal === "SIGXCPU" || (stopped === null && signal === "SIGKILL");
      const end = stopped ?? (isSlow ? "out of time" : endOf(code, text, test.output));
      resolve({ end, output: text, complaint: last });
    });
  });
}

/** Trailing spaces and empty lines at the end do not count. */
const plain = (text: string): string => text.trimEnd().replaceAll(/[ \t\r]+$/gm, "");

function endOf(code: number | null, output: string, wanted: string): ProgramEnd {
  if (code !== 0) return "failed";
  return plain(output) === plain(wanted) ? "right" : "wrong output";
}

function killGroup(child: ChildProcess): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // The group is gone.
  }
}
