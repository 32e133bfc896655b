import { afterEach, expect, test } from "vitest";
import type { StageRecord } from "../../src/core/command.ts";
import { Telemetry } from "../../src/observe/telemetry.ts";
import { openTelemetryExport } from "../../src/observe/telemetry-export.ts";
import type { ArrivedStage } from "../../src/observe/telemetry-port.ts";
import { Collector } from "./collector.ts";

const collectors: Collector[] = [];
afterEach(async () => {
  await Promise.all(collectors.splice(0).map((each) => each.stop()));
});

async function collector(status?: number): Promise<Collector> {
  const started = await Collector.start(status);
  collectors.push(started);
  return started;
}

async function telemetryFor(
  endpoint: string,
  problems: string[] = [],
  spansPendingMax = 100,
): Promise<Telemetry> {
  const opened = await openTelemetryExport({
    endpoint,
    headers: { "x-token": "t" },
    serviceName: "chimera",
    spansPendingMax,
    intervalMs: 60_000,
    onProblem: (message) => problems.push(message),
  });
  if (!opened.ok) throw new Error(opened.message);
  return new Telemetry(opened.exported, 1_700_000_000_000);
}

function arrived(requestId: string, parts: Partial<ArrivedStage> = {}): ArrivedStage {
  return {
    requestId,
    workflowId: "scope:w",
    shownWorkflowId: "w",
    kind: "maths",
    operation: "chat",
    model: "chimera",
    traceparent: undefined,
    tracestate: undefined,
    arrivedMs: 10,
    ...parts,
  };
}

function ended(requestId: string, parts: Partial<StageRecord> = {}): StageRecord {
  return {
    type: "record-stage",
    requestId,
    workflowId: "scope:w",
    stage: 0,
    pool: "chimera",
    class: "default",
    tenant: null,
    outcome: "completed",
    engine: "small-1",
    model: "small",
    attempts: 1,
    promptTokens: 7,
    outputTokens: 5,
    arrivedMs: 10,
    queuedMs: 11,
    dispatchedMs: 30,
    firstTokenMs: 50,
    endedMs: 90,
    decision: null,
    ...parts,
  };
}

test("stages stand below their workflow, and bear what was decided", async () => {
  const { url, spans, metrics, headers } = await collector();
  const telemetry = await telemetryFor(url);
  const sent = telemetry.arrived(arrived("a"));
  telemetry.observeCommand(ended("a"));
  telemetry.arrived(arrived("b"));
  telemetry.observeCommand(ended("b", { outcome: "queue-timeout", model: null, engine: null }));
  telemetry.observeCommand({
    type: "record-workflow",
    workflowId: "scope:w",
    arrivedMs: 10,
    endedMs: 600_000,
    stages: 2,
    completedStages: 1,
    outputTokens: 5,
    score: 1,
    end: "idle",
    models: ["small"],
  });
  await telemetry.close();
  await telemetry.close();
  const [first, second, workflow] = spans;
  expect(spans.map(({ name }) => name)).toEqual([
    "chat chimera",
    "chat chimera",
    "invoke_workflow maths",
  ]);
  expect([first?.parentSpanId, second?.parentSpanId]).toEqual([workflow?.spanId, workflow?.spanId]);
  expect(first?.attributes).toMatchObject({
    "gen_ai.operation.name": "chat",
    "gen_ai.request.model": "chimera",
    "gen_ai.response.model": "small",
    "gen_ai.conversation.id": "w",
    "gen_ai.usage.output_tokens": 5,
    "chimera.engine": "small-1",
    "chimera.queue.wait": 0.02,
  });
  expect(second?.attributes).toMatchObject({ "error.type": "queue-timeout" });
  expect(workflow?.attributes).toMatchObject({ "chimera.workflow.end": "idle" });
  expect(sent).toEqual({ traceparent: `00-${first?.traceId}-${first?.spanId}-01` });
  expect([...metrics].toSorted()).toEqual([
    "gen_ai.client.token.usage",
    "gen_ai.server.request.duration",
    "gen_ai.server.time_per_output_token",
    "gen_ai.server.time_to_first_token",
  ]);
  expect(headers[0]?.["x-token"]).toBe("t");
});

test("a client's trace is carried on, linked to the workflow", async () => {
  const seen = await collector();
  const telemetry = await telemetryFor(seen.url);
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  const sent = telemetry.arrived(arrived("a", { traceparent, tracestate: "vendor=1" }));
  telemetry.observeCommand(ended("a"));
  await telemetry.close();
  const stage = seen.spans.find(({ name }) => name === "chat chimera");
  const workflow = seen.spans.find(({ name }) => name !== "chat chimera");
  expect(stage).toMatchObject({
    traceId: "0af7651916cd43dd8448eb211c80319c",
    parentSpanId: "b7ad6b7169203331",
  });
  expect(stage?.links).toMatchObject([{ spanId: workflow?.spanId }]);
  expect(sent).toEqual({
    traceparent: `00-${stage?.traceId}-${stage?.spanId}-01`,
    tracestate: "vendor=1",
  });
});

test("a client that wants no trace gets none", async () => {
  const seen = await collector();
  const telemetry = await telemetryFor(seen.url);
  const traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00";
  const sent = telemetry.arrived(arrived("a", { traceparent }));
  telemetry.observeCommand(ended("a"));
  await telemetry.close();
  expect(seen.spans.map(({ name }) => name)).toEqual(["invoke_workflow maths"]);
  expect(sent["traceparent"]).toMatch(/-00$/);
});

test("what waits is bounded, and a collector that refuses is said once", async () => {
  const problems: string[] = [];
  const seen = await collector(400);
  const telemetry = await telemetryFor(seen.url, problems, 4);
  for (let index = 0; index < 50; index++) {
    telemetry.arrived(arrived(`r${index}`));
    telemetry.observeCommand(ended(`r${index}`));
  }
  await telemetry.close();
  expect(problems.filter((each) => each.includes(seen.url)).length).toBeGreaterThan(0);
  expect(problems.length).toBeLessThanOrEqual(2);
});
