import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pino } from "pino";
import { afterEach, beforeEach, expect, test } from "vitest";
import { parseConfig } from "../../src/config/load.ts";
import { createGateway, type Gateway } from "../../src/gateway/server.ts";
import { until } from "./bench.ts";
import { HELLO, ScriptedEngine, stream } from "./scripted-engine.ts";

let folder = "";
let path = "";
let engines: ScriptedEngine[] = [];
let lines: string[] = [];
const open: Gateway[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "chimera-restart-"));
  path = join(folder, "state.json");
  lines = [];
  engines = await Promise.all([0, 1, 2].map(() => ScriptedEngine.start(stream(...HELLO))));
});

afterEach(async () => {
  for (const gateway of open.splice(0)) await gateway.destroy();
  await Promise.all(engines.map((engine) => engine.kill()));
  await rm(folder, { recursive: true });
});

/** A gateway before three engines of one model, with the snapshot of the one before it. */
async function start(more: object = {}): Promise<{ gateway: Gateway; url: string }> {
  const document = {
    listen: "127.0.0.1:0",
    engines: engines.map(({ url }, index) => ({ name: `m-${index}`, url, model: "m" })),
    policy: { choice: "round-robin" },
    store: { path: null, snapshotPath: path, ...more },
  };
  const sources = { file: "test.yaml", environment: {}, flags: {} };
  const parsed = parseConfig(JSON.stringify(document), sources);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const logger = pino({ level: "info" }, { write: (line: string) => lines.push(line) });
  const gateway = await createGateway({ config: parsed.config, logger });
  open.push(gateway);
  const { url } = await gateway.listen();
  await until(() => gateway.view().engines.every((engine) => engine.state === "live"));
  return { gateway, url };
}

interface Stage {
  readonly engine: string | null;
  readonly rule: string | null;
  readonly workflowId: string | null;
}

async function ask(url: string, turns: readonly string[], workflowId?: string): Promise<Stage> {
  const messages = turns.map((content, index) => {
    return { role: index % 2 === 0 ? "user" : "assistant", content };
  });
  const response = await fetch(`${url}/chat/completions`, {
    method: "POST",
    headers: workflowId === undefined ? {} : { "x-chimera-workflow-id": workflowId },
    body: JSON.stringify({ model: "chimera", messages }),
  });
  expect(response.status).toBe(200);
  await response.text();
  const told = await fetch(`${url}/chimera/decisions/${response.headers.get("x-request-id")}`);
  const { decision }: { decision: { rule: string } } = JSON.parse(await told.text());
  return {
    engine: response.headers.get("x-chimera-engine"),
    rule: decision.rule,
    workflowId: response.headers.get("x-chimera-workflow-id"),
  };
}

test("a workflow whose gateway is restarted goes on at its engine, with an id and without", async () => {
  const before = await start();
  const named = await ask(before.url, ["a"], "w");
  const other = await ask(before.url, ["b"], "v");
  const recognised = await ask(before.url, ["Fix the bug."]);
  expect(new Set([named.engine, other.engine, recognised.engine]).size).toBe(3);
  await before.gateway.close();
  const after = await start();
  expect(after.gateway.view().workflows).toBe(3);
  expect(await ask(after.url, ["a", "Hello", "more"], "w")).toEqual({ ...named, rule: "sticky" });
  expect(await ask(after.url, ["b", "Hello", "more"], "v")).toEqual({ ...other, rule: "sticky" });
  const next = await ask(after.url, ["Fix the bug.", "Hello", "And the test."]);
  expect(next).toEqual({ ...recognised, rule: "sticky" });
  const told = await (await fetch(`${after.url}/chimera/decisions/none`)).text();
  expect(told).toContain("unknown_decision");
});

test("what the estimator has learned outlives the process", async () => {
  const before = await start();
  for (let index = 0; index < 20; index++) await ask(before.url, ["a"], `w-${index}`);
  await before.gateway.close();
  const after = await start();
  expect(lines.at(-1) ?? "").not.toBe("");
  expect(lines.some((line) => line.includes('"learned":true'))).toBe(true);
  await ask(after.url, ["a"], "new");
  const saved = await readFile(path, "utf8");
  expect(JSON.parse(saved)).toMatchObject({ version: 1 });
});

test("nobody's words are in the file, and only its owner reads it", async () => {
  const before = await start();
  await ask(before.url, ["unmistakable words"], "w");
  await before.gateway.close();
  expect(await readFile(path, "utf8")).not.toContain("unmistakable");
});

test("it is saved every so often, so that a crash costs no more than that", async () => {
  const { url } = await start({ snapshotIntervalMs: 100 });
  const first = await ask(url, ["a"], "w");
  let saved = "";
  while (!saved.includes(`"engine":"${first.engine}","started":true`)) {
    saved = await readFile(path, "utf8").catch(() => "");
  }
  // The other one was never closed.
  const after = await start();
  expect(await ask(after.url, ["a", "Hello", "more"], "w")).toEqual({ ...first, rule: "sticky" });
});

test.each([
  ["damaged", '{"version":1,"workflows":['],
  ["of another version", '{"version":0}'],
  ["of another shape", '{"version":1,"clockZeroMs":0,"workflows":[{}],"sessions":[]}'],
])(
  "a file that is %s is refused with a line in the log, and the gateway starts afresh",
  async (_, text) => {
    await writeFile(path, text);
    const { gateway, url } = await start();
    expect(lines.some((line) => line.includes("snapshot refused"))).toBe(true);
    expect(gateway.view().workflows).toBe(0);
    await ask(url, ["a"], "w");
    await gateway.close();
    expect(JSON.parse(await readFile(path, "utf8"))).toMatchObject({ version: 1 });
  },
);
