import { describe, expect, test } from "vitest";
import { comparisonTable, outcomesOf, reportOf, type WorkflowOutcome } from "./report.ts";
import { RunningWorkflow } from "./running-workflow.ts";

const completed: WorkflowOutcome = {
  id: "a",
  taskId: "t1",
  models: ["small", "large"],
  arrivalMs: 100,
  endMs: 300,
  outputTokens: 100,
  score: 1,
  queueWaitMs: 10,
  outcome: "completed",
  reason: null,
  stages: 2,
  requests: 3,
};
const failed: WorkflowOutcome = {
  ...completed,
  id: "f",
  models: [],
  score: 0,
  outcome: "failed",
  reason: "deadline",
  stages: 0,
  requests: 1,
};

describe("a report", () => {
  test("counts, means and nearest ranks of a case worked out by hand", () => {
    const slow = { ...completed, models: ["large"], endMs: 900, score: 0.5, queueWaitMs: 30 };
    const quick = { ...completed, models: ["small"], endMs: 200, score: 0, queueWaitMs: 0 };
    expect(reportOf("auto", [completed, slow, quick, failed])).toEqual({
      policy: "auto",
      workflows: 4,
      completed: 3,
      failed: { deadline: 1 },
      scoreMean: 1.5 / 4,
      msPerToken: { mean: 11 / 3, p50: 2, p95: 8, p99: 8, longest: 8 },
      completionMs: { mean: 1100 / 3, p50: 200, p95: 800, p99: 800, longest: 800 },
      queueWaitMs: { mean: 40 / 3, p50: 10, p95: 30, p99: 30, longest: 30 },
      modelShares: { large: 1 / 3, small: 2 / 3 },
      requests: 10,
    });
  });

  test("of 100 values the 95th and the 99th are p95 and p99", () => {
    const outcomes = Array.from({ length: 100 }, (_, index) => ({
      ...completed,
      queueWaitMs: 100 - index,
    }));
    expect(reportOf("auto", outcomes).queueWaitMs).toEqual({
      mean: 50.5,
      p50: 50,
      p95: 95,
      p99: 99,
      longest: 100,
    });
  });

  test("nothing completed leaves the times open", () => {
    const report = reportOf("auto", [failed]);
    expect(report).toMatchObject({ completed: 0, scoreMean: 0, msPerToken: null, modelShares: {} });
    expect(comparisonTable([report])[1]).toMatch(/-$|- /);
  });
});

test("the table compares each policy with the first", () => {
  const first = reportOf("balancer", [completed]);
  const second = reportOf("auto", [{ ...completed, endMs: 200, score: 0.875 }]);
  const lines = comparisonTable([first, second]);
  expect(new Set(lines.map((line) => line.length)).size).toBe(1);
  expect(lines[1]).toMatch(/^balancer +1 +0 +2\.00 .* x1\.00 +1\.000 +0\.0 /);
  expect(lines[2]).toMatch(/^auto +1 +0 +1\.00 .* x2\.00 +0\.875 +-12\.5 /);
  expect(comparisonTable([])).toEqual([]);
});

describe("the outcomes of a simulation", () => {
  const stage = { role: null, promptTokens: 5, outputTokens: 7, toolMs: 0 };
  const workflow = {
    id: "w0",
    taskId: "t",
    kind: "k",
    arrivalMs: 5,
    confidence: null,
    system: "",
    user: "",
    courses: {
      small: { score: 0.5, stages: [{ ...stage, predictedRemaining: null, out: "", env: "" }] },
    },
  };

  test("carry the reason of a failure", () => {
    const running = new RunningWorkflow(workflow);
    running.begin(0, 0);
    running.fail("queue-timeout", 50);
    const result = { workflows: [running] };
    expect(outcomesOf(result)).toEqual([
      {
        id: "w0",
        taskId: "t",
        models: [],
        arrivalMs: 5,
        endMs: 50,
        outputTokens: 0,
        score: 0,
        queueWaitMs: 0,
        outcome: "failed",
        reason: "queue-timeout",
        stages: 0,
        requests: 1,
      },
    ]);
  });

  test("a workflow that has not ended is a broken promise", () => {
    const result = { workflows: [new RunningWorkflow(workflow)] };
    expect(() => outcomesOf(result)).toThrow("has not ended");
  });
});
