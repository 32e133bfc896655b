import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createInterface } from "node:readline";

/** Ticks of /proc/PID/stat a second. */
const TICKS_PER_SECOND = 100;

/** A process under measurement. Its costs are read from /proc: Linux only. */
export class MeasuredProcess {
  readonly #child: ChildProcess;

  constructor(args: readonly string[]) {
    this.#child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  }

  /** The first line of its standard output that matches, as the first group. */
  async said(pattern: RegExp): Promise<string> {
    const { stdout } = this.#child;
    if (stdout === null) throw new Error("unreachable");
    for await (const line of createInterface({ input: stdout })) {
      const found = pattern.exec(line)?.[1];
      if (found !== undefined) {
        stdout.resume();
        return found;
      }
    }
    throw new Error(`ended before it said ${pattern}`);
  }

  /** User and system time of all its threads, ms. */
  async cpuMs(): Promise<number> {
    const stat = await readFile(`/proc/${this.#child.pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_PER_SECOND;
  }

  async residentMb(): Promise<number> {
    const status = await readFile(`/proc/${this.#child.pid}/status`, "utf8");
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = once(this.#child, "exit");
    this.#child.kill("SIGTERM");
    await ended;
  }
}
