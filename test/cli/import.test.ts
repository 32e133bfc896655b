import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { importRuns } from "../../src/cli/import.ts";
import type { Printer } from "../../src/cli/printer.ts";
import { readRuns, readTasks } from "../../src/sim/run-file.ts";
import { openTraceStore } from "../../src/store/trace-store.ts";

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "chimera-import-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function listener(): Printer & { readonly lines: string[] } {
  const lines: string[] = [];
  const keep = (line: string): void => void lines.push(line);
  return { lines, out: keep, say: keep, progress: () => undefined };
}

describe("import", () => {
  test("conversations become runs whose answers are stages", async () => {
    const file = join(folder, "chats.jsonl");
    const messages = [
      { role: "system", content: "You solve." },
      { role: "user", content: [{ type: "text", text: "2 + 2?" }] },
      { role: "assistant", content: "Let me compute." },
      { role: "tool", content: "4" },
      { role: "assistant", content: "It is 4." },
    ];
    const good = { id: 7, model: "m", score: 1, workflow: "maths", messages };
    const silent = { ...good, id: 8, messages: messages.slice(0, 2) };
    await writeFile(file, [good, silent].map((each) => JSON.stringify(each)).join("\n"));
    const out = join(folder, "runs.jsonl.gz");
    const tasksOut = join(folder, "tasks.jsonl");
    const printer = listener();
    expect(await importRuns({ file, format: "chats", out, tasksOut }, printer)).toBe(0);
    const runs = await readRuns(out);
    expect(runs.problems).toEqual([]);
    expect(runs.rows).toMatchObject([
      {
        task_id: "7",
        workflow: "maths",
        reward: 1,
        stages: [
          { role: "assistant", out: "Let me compute.", env: "4" },
          { out: "It is 4.", env: "" },
        ],
      },
    ]);
    expect((await readTasks(tasksOut)).rows).toEqual([
      { task_id: "7", prompt: "You solve.\n2 + 2?" },
    ]);
    expect(printer.lines.join("\n")).toContain("1 conversations hold no answer");
  });

  test("a bad line stops it, with its number", async () => {
    const file = join(folder, "bad.jsonl");
    await writeFile(file, '{"model":"m","score":2,"messages":[]}\n');
    const printer = listener();
    const out = join(folder, "none.jsonl");
    expect(await importRuns({ file, format: "chats", out, tasksOut: undefined }, printer)).toBe(1);
    expect(printer.lines[0]).toContain("bad.jsonl:1");
  });

  test("a trace store becomes runs of its scored workflows", async () => {
    const path = join(folder, "traces.db");
    const opened = await openTraceStore({
      path,
      prompts: false,
      rowsPendingMax: 100,
      rowsMax: 1000,
      clockZeroUnixMs: 0,
      onProblem: (message) => expect.fail(message),
    });
    if (!opened.ok) throw new Error(opened.message);
    for (const [index, outputTokens] of [30, 40].entries())
      opened.store.writeStage(stage(index, outputTokens));
    const times = { arrivedMs: 0, endedMs: 9, stages: 2, completedStages: 2, outputTokens: 70 };
    const workflow = { workflowId: "w", kind: "k", models: ["m"], end: "ended" as const, ...times };
    opened.store.writeWorkflow({ ...workflow, score: 1 });
    opened.store.writeWorkflow({ ...workflow, workflowId: "unscored", score: null });
    await opened.store.close();
    const out = join(folder, "from-traces.jsonl");
    const printer = listener();
    const flags = { file: path, format: "traces" as const, out, tasksOut: undefined };
    expect(await importRuns(flags, printer)).toBe(0);
    const { rows } = await readRuns(out);
    expect(rows).toMatchObject([
      {
        workflow: "k",
        reward: 1,
        models: { coder: "m" },
        stages: [{ out_tok: 30 }, { out_tok: 40 }],
      },
    ]);
    expect(printer.lines.join("\n")).toContain("1 workflows have no score");
  });
});

function stage(index: number, outputTokens: number) {
  return {
    requestId: `r${index}`,
    workflowId: "w",
    stage: index,
    pool: "chimera",
    tenant: null,
    class: "default" as const,
    outcome: "completed" as const,
    engine: "e",
    model: "m",
    attempts: 1,
    promptTokens: 10,
    outputTokens,
    arrivedMs: index,
    queuedMs: index,
    dispatchedMs: index,
    firstTokenMs: index,
    endedMs: index + 1,
    decision: null,
    kind: "k",
    role: "coder",
    systemTokens: 0,
    userTokens: 0,
    outputTokensMax: null,
    expectedOutputTokens: null,
    callsLeft: null,
    estimateSource: null,
    errorCode: null,
    text: null,
  };
}
