import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import OpenAI from "openai";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { pickTasks, playTasks, type PlayedTask } from "../../examples/workflows/play.ts";
import { findPython } from "../../examples/workflows/program-run.ts";
import { isSolved, summaryLines, taskLine } from "../../examples/workflows/report.ts";
import { questionOf, type Task } from "../../examples/workflows/task.ts";
import { WORKFLOWS, type Workflow } from "../../examples/workflows/workflow.ts";
import { openTraceReader } from "../../src/store/trace-reader.ts";
import { closeBenches, startBench } from "../gateway/bench.ts";
import {
  delta,
  DONE,
  finish,
  refuse,
  ScriptedEngine,
  stream,
  usage,
  type Script,
} from "../gateway/scripted-engine.ts";
import { CODE_SOLUTIONS } from "./code-solutions.ts";

const ROOT = join(import.meta.dirname, "../..");

let python: string | null = null;
let folder = "";
beforeAll(async () => {
  python = await findPython();
  folder = await mkdtemp(join(tmpdir(), "chimera-workflows-"));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(closeBenches);

const TASKS: readonly Task[] = [...pickTasks("code", 12, 1), ...pickTasks("math", 12, 1)];

function say(text: string): Script {
  return stream(delta(text), finish(), usage(20, 5), DONE);
}

/** Says the right answer of the task that it reads, whatever its role is. */
const knowing: Script = (seen) => {
  const task = TASKS.find((each) => readText(seen.body).includes(questionOf(each)));
  const answer = task?.domain === "math" ? `\\boxed{${task.answer}}` : programOf(task);
  return say(`Here it is:\n${answer}`)(seen);
};

function programOf(task: Task | undefined): string {
  return `\`\`\`python\n${CODE_SOLUTIONS[task?.id ?? ""]}\n\`\`\``;
}

/** All that a request's messages say. */
function readText(body: Record<string, unknown>): string {
  const messages = Array.isArray(body["messages"]) ? body["messages"] : [];
  return messages.map((message: { content?: unknown }) => String(message.content)).join("\n\n");
}

async function play(url: string, workflow: Workflow, count = 2): Promise<PlayedTask[]> {
  return playTasks({
    client: new OpenAI({ baseURL: url, apiKey: "none", maxRetries: 0 }),
    workflow,
    tasks: pickTasks(workflow.domain, count, 1),
    concurrency: 2,
    model: "chimera",
    seed: 1,
    python,
    outputTokensMax: 100,
    played: () => {},
  });
}

const named = WORKFLOWS.map((workflow) => [workflow.name, workflow] as const);

function ids(seed: number): string[] {
  return pickTasks("math", 20, seed).map(({ id }) => id);
}

describe("the workflows", () => {
  it.each(named)("%s runs its stages in order and is learned from", async (name, workflow) => {
    const path = join(folder, `${name}.db`);
    const engines = { small: knowing, large: knowing };
    const bench = await startBench({ engines, more: { store: { path } } });
    const results = await play(bench.url, workflow);
    await bench.gateway.close();
    expect(results.map(isSolved)).toEqual([true, true]);
    expect(results.map((result) => result.ok && result.feedback)).toEqual(["stored", "stored"]);

    const opened = openTraceReader(path);
    if (!opened.ok) throw new Error(opened.message);
    const workflows = opened.reader.recentWorkflows(10);
    expect(workflows.map(({ kind, score }) => ({ kind, score }))).toEqual([
      { kind: name, score: 1 },
      { kind: name, score: 1 },
    ]);
    for (const { workflowId } of workflows) {
      const stages = opened.reader.stagesOf(workflowId);
      expect(stages.map(({ role }) => role)).toEqual(workflow.stages.map(({ role }) => role));
      expect(stages.map(({ stage }) => stage)).toEqual(stages.map((_, index) => index));
    }
    opened.reader.close();
  });

  it("gives each stage the task and all that was said before", async () => {
    const bench = await startBench({ engines: { small: knowing } });
    const [, , , chain] = WORKFLOWS;
    if (chain === undefined) throw new Error("unreachable");
    await play(bench.url, chain, 1);
    const prompts = bench.engine("small").seen.map(({ body }) => readText(body));
    expect(prompts.map((text) => text.match(/^\w+ said:$/gm) ?? [])).toEqual([
      [],
      ["planner said:"],
      ["planner said:", "solver said:"],
      ["planner said:", "solver said:", "verifier said:"],
    ]);
  });

  it("tells the one who checks how the program does on the example", async () => {
    const bench = await startBench({ engines: { small: knowing } });
    const [chain] = WORKFLOWS;
    if (chain === undefined) throw new Error("unreachable");
    await play(bench.url, chain, 1);
    const [, , checks] = bench.engine("small").seen;
    expect(readText(checks?.body ?? {})).toContain(
      "Observation: on the example the program's end is: right.",
    );
  });

  it.each([
    ["coder", "```python\nwhile True: pass\n```", "0 of 3 tests, out of time"],
    ["coder", "```python\nx = bytearray(1 << 33)\n```", "0 of 3 tests, failed with MemoryError"],
    ["coder", "I think so.", "no program"],
    ["solver", "It is \\boxed{1000001}.", "wrong answer"],
  ])("is not solved by a %s who says %j", async (name, text, verdict) => {
    const workflow = WORKFLOWS.find((each) => each.name === name);
    if (workflow === undefined) throw new Error("unreachable");
    const bench = await startBench({ engines: { small: say(text) } });
    const [result] = await play(bench.url, workflow, 1);
    expect(result?.ok ? result.run : result).toMatchObject({ score: 0, verdict });
    expect(result?.ok ? result.feedback : null).toBe("stored");
  });

  it("plays on when a call fails, and says why", async () => {
    const bench = await startBench({ engines: { small: refuse(400, "{}") } });
    const [, , , , , solver] = WORKFLOWS;
    if (solver === undefined) throw new Error("unreachable");
    const results = await play(bench.url, solver);
    expect(results.map(({ ok }) => ok)).toEqual([false, false]);
    expect(results.map(taskLine).join("\n")).toContain("failed      400");
    expect(summaryLines(results, 1000)[0]).toContain("0 of 2, mean score 0.00, 2 failed");
  });

  it("runs against a server that is no gateway, without feedback", async () => {
    const plain = await ScriptedEngine.start(({ path, response }) => {
      const isChat = path === "/v1/chat/completions";
      const message = { role: "assistant", content: "\\boxed{1}" };
      response.writeHead(isChat ? 200 : 404, { "content-type": "application/json" });
      response.end(JSON.stringify({ model: "plain", choices: [{ index: 0, message }] }));
    });
    const [, , , , , solver] = WORKFLOWS;
    if (solver === undefined) throw new Error("unreachable");
    const results = await play(plain.url, solver);
    await plain.kill();
    expect(summaryLines(results, 1000).slice(1)).toEqual([
      "stages    2: plain 2",
      "tokens    0",
      "time      1.0 s",
      "feedback  skipped: this server has no /feedback",
    ]);
  });

  it("picks other tasks with another seed, the same with the same", () => {
    expect(ids(1)).toEqual(ids(1));
    expect(ids(1)).not.toEqual(ids(2));
    expect(new Set(ids(1).slice(0, 12)).size).toBe(12);
  });
});

function command(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const start = ["--import", "tsx", "examples/workflows/run.ts", ...args];
  return promisify(execFile)(process.execPath, start, { cwd: ROOT });
}

describe("the command", () => {
  it("plays tasks and prints each and the sum", async () => {
    const bench = await startBench({ engines: { small: knowing } });
    const at = ["--base-url", bench.url];
    const { stdout } = await command("--workflow", "planner-solver", "--tasks", "3", ...at);
    const lines = stdout.trimEnd().split("\n");
    expect(lines).toHaveLength(9);
    expect(lines[1]).toMatch(/solved +right answer \| planner: small, solver: small \| 10 tokens/);
    expect(lines[4]).toBe("solved    3 of 3, mean score 1.00, 0 failed");
    expect(lines[8]).toBe("feedback  3 stored");
  });

  it.each([
    ["--workflow best", "--workflow must be one of planner-coder-qa-coder"],
    ["--workflow coder --tasks none", "--tasks must be a whole number from 1"],
    ["--wrong", "--wrong"],
  ])("says what is wrong with %s", async (args, words) => {
    const asked = command(...args.split(" "));
    await expect(asked).rejects.toMatchObject({ code: 2, stderr: expect.stringContaining(words) });
  });

  it("says that nobody answers", async () => {
    const gone = await ScriptedEngine.start(() => {});
    const { url } = gone;
    await gone.kill();
    await expect(command("--workflow", "solver", "--base-url", url)).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining("the server cannot be reached: connect ECONNREFUSED"),
    });
  });
});
