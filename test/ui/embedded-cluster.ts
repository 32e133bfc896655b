import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));

/** `chimera up` as a user starts it, on free ports. */
export class EmbeddedCluster {
  readonly #process: ChildProcess;
  readonly #pids: ReadonlyMap<string, number>;
  /** Base of the API. */
  readonly apiUrl: string;

  private constructor(child: ChildProcess, pids: ReadonlyMap<string, number>, apiUrl: string) {
    this.#process = child;
    this.#pids = pids;
    this.apiUrl = apiUrl;
  }

  /** `workflowsPerSecond`: of the demonstration agents; 0 for none. */
  static async start(workflowsPerSecond: number): Promise<EmbeddedCluster> {
    const tsx = ["--import", "tsx", "src/cli/main.ts"];
    const args = [...tsx, "up", "--port", "0", "--demo", String(workflowsPerSecond)];
    const child = spawn(process.execPath, args, {
      cwd: root,
      stdio: ["ignore", "pipe", "ignore"],
    });
    const pids = new Map<string, number>();
    let apiUrl = "";
    const lines = createInterface({ input: child.stdout });
    await new Promise<void>((resolve, reject) => {
      child.once("exit", (code) => reject(new Error(`chimera up ended with code ${code}`)));
      lines.on("line", (line) => {
        const engine = /engine (\S+) .*process (\d+)/.exec(line);
        if (engine !== null) pids.set(engine[1] ?? "", Number(engine[2]));
        apiUrl = /gateway at (\S+)/.exec(line)?.[1] ?? apiUrl;
        if (line.startsWith("Ctrl-C")) resolve();
      });
    });
    return new EmbeddedCluster(child, pids, apiUrl);
  }

  get pageUrl(): string {
    return this.apiUrl.replace(/\/v1$/, "/ui");
  }

  kill(engine: string): void {
    const pid = this.#pids.get(engine);
    if (pid === undefined) throw new Error(`no engine ${engine}`);
    process.kill(pid, "SIGKILL");
  }

  /** Idempotent. */
  async stop(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exited = once(this.#process, "exit");
    this.#process.kill("SIGTERM");
    // The second one does not wait for requests that run.
    this.#process.kill("SIGTERM");
    await exited;
  }
}
