import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** The command line beside this file, as source or compiled. */
export const MAIN: string = fileURLToPath(
  new URL(import.meta.url.endsWith(".ts") ? "./main.ts" : "./main.js", import.meta.url),
);

/** How an emulated engine is started: the arguments of `chimera emulate`, without a port. */
export interface EngineLaunch {
  readonly name: string;
  readonly args: readonly string[];
}

/** One emulated engine in a process of its own. */
export class EngineProcess {
  readonly #launch: EngineLaunch;
  #child: ChildProcess | null = null;
  #port = 0;

  constructor(launch: EngineLaunch) {
    this.#launch = launch;
  }

  get name(): string {
    return this.#launch.name;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /** Starts it, on the port that it had before if it was started before. Rejects when it cannot start. */
  async start(): Promise<void> {
    const own = ["emulate", "--port", String(this.#port), "--with-parent", "--json"];
    const args = [...process.execArgv, MAIN, ...own, ...this.#launch.args];
    const child = spawn(process.execPath, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.#child = child;
    this.#port = await readyPort(child, this.name);
  }

  /** SIGKILL: streams break, connections are refused from now on. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    await this.#end("SIGTERM");
  }

  async #end(signal: "SIGKILL" | "SIGTERM"): Promise<void> {
    const child = this.#child;
    this.#child = null;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, "exit");
    child.kill(signal);
    await exited;
  }
}

/** The port of the line that an engine prints when it listens. */
function readyPort(child: ChildProcess, name: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const { stdout } = child;
    if (stdout === null) throw new Error("the engine's output is a pipe");
    createInterface({ input: stdout }).once("line", (line) => {
      const ready: unknown = JSON.parse(line);
      const port = typeof ready === "object" && ready !== null && "port" in ready ? ready.port : 0;
      if (typeof port === "number") resolve(port);
    });
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`engine ${name} ended with code ${code}`)));
  });
}
