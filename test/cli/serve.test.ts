import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { HELLO, ScriptedEngine, stream } from "../gateway/scripted-engine.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));

let folder = "";
let engine: ScriptedEngine;
let served: Served | null = null;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "chimera-serve-"));
  engine = await ScriptedEngine.start(stream(...HELLO));
});

afterEach(async () => {
  served?.process.kill("SIGKILL");
  served = null;
  await engine.kill();
  await rm(folder, { recursive: true });
});

interface Served {
  readonly process: ChildProcess;
  /** All that it wrote. */
  readonly text: () => string;
  /** Resolves when it has written the words. */
  readonly said: (words: string) => Promise<void>;
}

/** `chimera serve` as a user starts it, in a process of its own. */
async function serve(file: string): Promise<Served> {
  const main = join(root, "src/cli/main.ts");
  // Not by tsx's own command, which stands between the process and its signals.
  const loader = join(root, "node_modules/tsx/dist/loader.mjs");
  const args = ["--import", loader, main, "serve", "--config", file];
  const child = spawn(process.execPath, args, { cwd: folder });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (part: string) => {
      text += part;
      child.emit("said");
    });
  }
  served = {
    process: child,
    text: () => text,
    said: async (words) => {
      while (!text.includes(words)) await once(child, "said");
    },
  };
  await served.said("gateway at");
  return served;
}

function config(more: object): string {
  const engines = [{ url: engine.url, model: "m" }];
  return JSON.stringify({ listen: "127.0.0.1:0", store: { path: null }, engines, ...more });
}

test("serve takes the config in when its file changes and at SIGHUP, and stops with 0", async () => {
  const file = join(folder, "chimera.yaml");
  await writeFile(file, config({}));
  const { process: child, said, text } = await serve(file);
  // Renamed over, as editors and config maps do it.
  await writeFile(`${file}.new`, config({ policy: { price: 0.7 } }));
  await rename(`${file}.new`, file);
  await said('"changed":["policy.price"]');
  await writeFile(file, config({ policy: { price: "cheap" }, limits: { attemptsMax: 0 } }));
  await said("config refused, the one in force stays");
  expect(text()).toContain("policy.price: must be");
  expect(text()).toContain("limits.attemptsMax: must be");
  await writeFile(file, config({ policy: { price: 0.3 }, seed: 5 }));
  child.kill("SIGHUP");
  await said('"kept":["seed"]');
  child.kill("SIGTERM");
  const [code] = await once(child, "exit");
  expect(code).toBe(0);
}, 60_000);
