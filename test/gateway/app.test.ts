import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { replayEventLog } from "../../src/gateway/event-log-replay.ts";
import { type Bench, chat, closeBenches, errorOf, startBench, streamed, until } from "./bench.ts";
import { HELLO, stream } from "./scripted-engine.ts";

afterEach(closeBenches);

const engines = { small: stream(...HELLO), large: stream(...HELLO) };
const models = [{ name: "fast", candidates: ["small"], price: 0.4 }];

function get(bench: Bench, path: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(new URL(path, bench.url), { headers });
}

function feedback(
  bench: Bench,
  body: object,
  headers: Record<string, string> = {},
): Promise<Response> {
  return fetch(`${bench.url}/feedback`, { method: "POST", headers, body: JSON.stringify(body) });
}

describe("models", () => {
  test("are listed, virtual ones with their candidates", async () => {
    const bench = await startBench({ engines, more: { models } });
    const list: { data: { id: string; owned_by: string; candidates?: string[] }[] } = JSON.parse(
      await (await get(bench, "/v1/models")).text(),
    );
    expect(list.data.map(({ id, owned_by, candidates }) => ({ id, owned_by, candidates }))).toEqual(
      expect.arrayContaining([
        { id: "chimera", owned_by: "chimera", candidates: ["small", "large"] },
        { id: "fast", owned_by: "chimera", candidates: ["small"] },
        { id: "small", owned_by: "openai", candidates: undefined },
        { id: "large", owned_by: "openai", candidates: undefined },
      ]),
    );
    expect(await (await get(bench, "/v1/models/fast")).json()).toMatchObject({ id: "fast" });
    for (const name of ["none", "a/b", "line%0Dbreak", "line%0Abreak", "%E2%80%A8"]) {
      expect((await get(bench, `/v1/models/${name}`)).status, name).toBe(404);
      expect((await get(bench, `/v1/chimera/decisions/${name}`)).status, name).toBe(404);
    }
  });

  test("by their real name are served by their own engines, by a virtual one by its candidates", async () => {
    const bench = await startBench({ engines, more: { models } });
    for (const [model, served] of [
      ["large", "large"],
      ["fast", "small"],
    ]) {
      const response = await chat(bench, { body: { model } });
      expect(response.headers.get("x-chimera-model")).toBe(served);
    }
    const unknown = await chat(bench, { body: { model: "none" } });
    expect(unknown.status).toBe(404);
    expect(await errorOf(unknown)).toMatchObject({ code: "model_not_found", param: "model" });
  });
});

describe("requests that are refused", () => {
  test.each([
    ["no JSON", "{", {}, 400, "invalid_json"],
    ["no messages", `{"model":"chimera"}`, {}, 400, "invalid_request"],
    ["a compressed body", "{}", { "content-encoding": "gzip" }, 415, "unsupported_encoding"],
    ["a large body", "x".repeat(2000), {}, 413, "body_too_large"],
    [
      "a malformed header of ours",
      `{"model":"chimera","messages":[{"role":"user","content":"x"}]}`,
      { "x-chimera-stage": "one" },
      400,
      "invalid_request",
    ],
  ])("%s", async (_name, body, headers, status, code) => {
    const bench = await startBench({ engines, limits: { bodyBytesMax: 1024 } });
    const response = await fetch(`${bench.url}/chat/completions`, {
      method: "POST",
      headers,
      body,
    });
    expect(response.status).toBe(status);
    expect(response.headers.get("x-request-id")).toMatch(/./);
    expect((await errorOf(response)).code).toBe(code);
  });

  test("unknown paths and wrong methods, in the same shape", async () => {
    const bench = await startBench({ engines });
    const unknown = await get(bench, "/v2/things");
    expect([unknown.status, (await errorOf(unknown)).code]).toEqual([404, "unknown_url"]);
    const wrong = await get(bench, "/v1/chat/completions");
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "POST"]);
    expect((await errorOf(wrong)).code).toBe("method_not_allowed");
    const posted = await fetch(new URL("/v1/models", bench.url), { method: "POST" });
    expect([posted.status, posted.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  });
});

describe("feedback", () => {
  test("ends the workflow of the same key, by its id or by a request's", async () => {
    const bench = await startBench({ engines });
    const headers = { authorization: "Bearer k1" };
    const flow = { ...headers, "x-chimera-workflow-id": "flow-1", "x-request-id": "req-1" };
    await (await chat(bench, { headers: flow })).text();
    expect(bench.gateway.view().workflows).toBe(1);
    const foreign = await feedback(bench, { workflow_id: "flow-1", score: 1 });
    expect((await errorOf(foreign)).code).toBe("unknown_workflow");
    const noted = await feedback(bench, { request_id: "req-1", score: 0.5, final: false }, headers);
    expect(await noted.json()).toEqual({
      object: "chimera.feedback",
      workflow_id: "flow-1",
      score: 0.5,
      final: false,
    });
    expect(bench.gateway.view().workflows).toBe(1);
    expect((await feedback(bench, { workflow_id: "flow-1", score: 1 }, headers)).status).toBe(200);
    expect(bench.gateway.view().workflows).toBe(0);
    const again = await feedback(bench, { workflow_id: "flow-1", score: 1 }, headers);
    expect(again.status).toBe(404);
  });

  test.each([
    [{ workflow_id: "w" }, "score"],
    [{ workflow_id: "w", score: 2 }, "score"],
    [{ workflow_id: "w", score: 1, final: 1 }, "final"],
    [{ score: 1 }, "workflow_id"],
    [{ workflow_id: "w", request_id: "r", score: 1 }, "workflow_id"],
  ])("%j is refused", async (body, param) => {
    const bench = await startBench({ engines });
    const response = await feedback(bench, body);
    expect(response.status).toBe(400);
    expect((await errorOf(response)).param).toBe(param);
  });
});

describe("what people look at", () => {
  test("health, readiness, state and metrics", async () => {
    const bench = await startBench({ engines });
    await (await chat(bench)).text();
    await until(() => bench.gateway.view().requests === 0);
    expect((await get(bench, "/healthz")).status).toBe(200);
    expect(await (await get(bench, "/readyz")).json()).toEqual({
      ready: true,
      models: ["small", "large"],
    });
    const state = await (await get(bench, "/v1/chimera/state")).json();
    expect(state).toMatchObject({
      engines: [{ name: "small", state: "live", running: 0 }, { name: "large" }],
      requests: 0,
    });
    const metrics = await (await get(bench, "/metrics")).text();
    expect(metrics).toMatch(/chimera_requests_total\{.*outcome="completed".*\} 1/);
    expect(metrics).not.toContain(bench.engine("small").url);
  });

  test("why a request went where it went, for the key that made it", async () => {
    const bench = await startBench({ engines });
    const headers = { authorization: "Bearer k1" };
    const flow = { ...headers, "x-request-id": "req/1", "x-chimera-workflow-id": "flow-1" };
    await (await streamed(bench, { headers: flow })).text();
    const path = "/v1/chimera/decisions/req/1";
    expect(await (await get(bench, path, headers)).json()).toMatchObject({
      requestId: "req/1",
      workflowId: "flow-1",
      outcome: "completed",
      outputTokens: 2,
      decision: { workflowId: "flow-1", candidates: [{ engine: "small" }, { engine: "large" }] },
    });
    expect((await get(bench, path)).status).toBe(404);
  });
});

test("a second stage stays with its workflow, named or recognised by its conversation", async () => {
  const bench = await startBench({ engines });
  const first = [{ role: "user", content: "Solve the riddle of the sphinx." }];
  const second = [
    ...first,
    { role: "assistant", content: "Hello" },
    { role: "user", content: "?" },
  ];
  const one = await chat(bench, { body: { messages: first } });
  await one.text();
  const two = await chat(bench, { body: { messages: second } });
  await two.text();
  expect(two.headers.get("x-chimera-workflow-id")).toBe(one.headers.get("x-chimera-workflow-id"));
  expect(two.headers.get("x-chimera-engine")).toBe(one.headers.get("x-chimera-engine"));
  expect(two.headers.get("x-chimera-rule")).toBe("sticky");
});

test("a workflow whose last request says so is over with it", async () => {
  const bench = await startBench({ engines });
  const headers = { "x-chimera-workflow-id": "f", "x-chimera-workflow-final": "true" };
  await (await chat(bench, { headers })).text();
  expect(bench.gateway.view().workflows).toBe(0);
});

test("the steps of a live run replay to the same commands", async () => {
  const folder = await mkdtemp(join(tmpdir(), "chimera-log-"));
  const path = join(folder, "events.jsonl");
  const bench = await startBench({
    engines: { "small-1": stream(...HELLO), "small-2": ({ response }) => void response.destroy() },
    engine: { maxConcurrency: 2 },
    recordEventsPath: path,
  });
  await Promise.all(Array.from({ length: 20 }, async () => (await chat(bench)).text()));
  await bench.gateway.close();
  const replay = await replayEventLog(path);
  expect(replay).toMatchObject({ cut: false, difference: null });
  expect(replay.steps).toBeGreaterThan(40);
  await rm(folder, { recursive: true });
});

test("measured speed reaches the core, where the configuration states none", async () => {
  const folder = await mkdtemp(join(tmpdir(), "chimera-log-"));
  const path = join(folder, "events.jsonl");
  const bench = await startBench({ engines: { small: stream(...HELLO) }, recordEventsPath: path });
  await (await chat(bench)).text();
  await bench.gateway.close();
  expect(await readFile(path, "utf8")).toContain(`"speed":{"baseMs"`);
  await rm(folder, { recursive: true });
});
