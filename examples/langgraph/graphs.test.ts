import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { openTraceReader } from "../../src/store/trace-reader.ts";
import { CODE_SOLUTIONS } from "../../test/examples/code-solutions.ts";
import { closeBenches, startBench } from "../../test/gateway/bench.ts";
import { delta, DONE, finish, stream, usage } from "../../test/gateway/scripted-engine.ts";
import { EmbeddedCluster } from "../../test/ui/embedded-cluster.ts";
import { CODE_TASKS } from "../workflows/code-tasks.ts";
import { MATH_TASKS } from "../workflows/math-tasks.ts";
import { findPython } from "../workflows/program-run.ts";
import type { Task } from "../workflows/task.ts";
import { codeGraph, mathGraph, type WorkflowGraph } from "./graphs.ts";
import type { GraphSettings } from "./workflow-state.ts";

let python: string | null = null;
let folder = "";
beforeAll(async () => {
  python = await findPython();
  folder = await mkdtemp(join(tmpdir(), "chimera-graphs-"));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(closeBenches);

interface Case {
  readonly graphOf: (settings: GraphSettings) => WorkflowGraph;
  readonly task: Task | undefined;
  readonly answer: string;
  readonly roles: readonly string[];
}

const CASES: readonly Case[] = [
  {
    graphOf: codeGraph,
    task: CODE_TASKS[0],
    answer: `\`\`\`python\n${CODE_SOLUTIONS[CODE_TASKS[0]?.id ?? ""]}\n\`\`\``,
    roles: ["planner", "coder", "qa", "coder"],
  },
  {
    graphOf: mathGraph,
    task: MATH_TASKS[0],
    answer: `It is \\boxed{${MATH_TASKS[0]?.answer}}.`,
    roles: ["planner", "solver", "verifier", "solver"],
  },
];

describe("the graphs", () => {
  it.each(CASES)("$roles run in order, solve and are learned from", async (each) => {
    const path = join(folder, `${each.roles[1]}.db`);
    const script = stream(delta(each.answer), finish(), usage(20, 5), DONE);
    const bench = await startBench({ engines: { small: script }, more: { store: { path } } });
    const { url: baseUrl } = bench;
    const graph = each.graphOf({
      baseUrl,
      apiKey: "none",
      model: "chimera",
      outputTokensMax: 100,
      python,
    });
    if (each.task === undefined) throw new Error("unreachable");
    const end = await graph.play(each.task, `${graph.kind}-1`);
    await bench.gateway.close();
    expect(end).toMatchObject({ score: 1, feedback: "stored" });
    // What the scripted engine calls its model.
    expect(end.served).toEqual(each.roles.map((role) => `${role}: upstream`));

    const opened = openTraceReader(path);
    if (!opened.ok) throw new Error(opened.message);
    const [workflow] = opened.reader.recentWorkflows(2);
    expect(workflow).toMatchObject({ kind: graph.kind, score: 1, stages: 4 });
    const stages = opened.reader.stagesOf(workflow?.workflowId ?? "");
    expect(stages.map(({ role }) => role)).toEqual(each.roles);
    opened.reader.close();
  });

  it("run as they stand over emulated engines", async () => {
    const cluster = await EmbeddedCluster.start(0);
    const args = ["run.ts", "--base-url", cluster.apiUrl, "--max-tokens", "30"];
    try {
      const { stdout } = await promisify(execFile)(process.execPath, args, {
        cwd: import.meta.dirname,
      });
      expect(stdout.trimEnd().split("\n")).toEqual([
        expect.stringMatching(/^planner-coder-qa-coder on even-sum: .* \| feedback stored$/),
        expect.stringMatching(/^planner-solver-verifier-solver on bakery: .* \| feedback stored$/),
      ]);
    } finally {
      await cluster.stop();
    }
  });
});
