import { afterEach, describe, expect, test } from "vitest";
import type { ClusterView } from "../../src/gateway/cluster-view.ts";
import type { RequestList } from "../../src/gateway/ui-request.ts";
import type { WorkflowDetail, WorkflowList } from "../../src/gateway/ui-workflow.ts";
import type { WhatIfAnswer } from "../../src/gateway/what-if.ts";
import {
  type Bench,
  chat,
  closeBenches,
  errorOf,
  leavingClient,
  startBench,
  until,
} from "./bench.ts";
import { HELLO, nothing, stream } from "./scripted-engine.ts";

afterEach(closeBenches);

const engines = { small: stream(...HELLO), large: stream(...HELLO) };

function get(bench: Bench, path: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(new URL(path, bench.url), { headers });
}

describe("the page", () => {
  test("comes with its files, nothing inline, nothing remote", async () => {
    const bench = await startBench({ engines });
    const page = await get(bench, "/ui");
    expect(page.headers.get("content-type")).toContain("text/html");
    const policy = page.headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    const html = await page.text();
    expect(html).not.toMatch(/<style|style=|<script>|https?:\/\//);
    const links = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link = ""]) => link);
    expect(links.some((link) => link.endsWith(".js"))).toBe(true);
    for (const link of links) {
      expect(link).toMatch(/^\/ui\//);
      expect((await get(bench, link)).status).toBe(200);
    }
  });

  test("is sent compressed, and not again while it is the same", async () => {
    const bench = await startBench({ engines });
    const zipped = await get(bench, "/ui/", { "accept-encoding": "gzip" });
    expect(zipped.headers.get("content-encoding")).toBe("gzip");
    const plain = await get(bench, "/ui/", { "accept-encoding": "gzip;q=0" });
    expect(plain.headers.get("content-encoding")).toBeNull();
    expect(await plain.text()).toBe(await zipped.text());
    const etag = zipped.headers.get("etag") ?? "";
    expect(etag).not.toBe(plain.headers.get("etag"));
    const again = await get(bench, "/ui/", { "accept-encoding": "gzip", "if-none-match": etag });
    expect([again.status, await again.text()]).toEqual([304, ""]);
  });

  test("has no other files, and takes no other method", async () => {
    const bench = await startBench({ engines });
    for (const path of ["/ui/none.js", "/ui/..%2f..%2fpackage.json", "/ui/%2e%2e/README.md"]) {
      expect((await get(bench, path)).status).toBe(404);
    }
    const posted = await fetch(new URL("/ui", bench.url), { method: "POST" });
    expect([posted.status, posted.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  });
});

describe("events", () => {
  test("tell the cluster's state, and end with the gateway", async () => {
    const bench = await startBench({ engines });
    const response = await get(bench, "/v1/chimera/events");
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    const reader = response.body?.getReader();
    const { value } = (await reader?.read()) ?? {};
    const first = new TextDecoder().decode(value).trim();
    expect(JSON.parse(first.slice("data: ".length))).toMatchObject({
      engines: [{ name: "small", state: "live" }, { name: "large" }],
    });
    const ended = reader?.closed.then(
      () => "ended",
      () => "ended",
    );
    await bench.gateway.close();
    expect(await ended).toBe("ended");
  });

  test("are refused beyond the bound, and a place is free when a listener leaves", async () => {
    const bench = await startBench({ engines });
    const controllers = Array.from({ length: 32 }, () => new AbortController());
    for (const { signal } of controllers) {
      const response = await fetch(new URL("/v1/chimera/events", bench.url), { signal });
      expect(response.status).toBe(200);
    }
    const refused = await get(bench, "/v1/chimera/events");
    expect((await errorOf(refused)).code).toBe("too_many_listeners");
    const head = await fetch(new URL("/v1/chimera/events", bench.url), { method: "HEAD" });
    expect(head.status).toBe(200);
    for (const controller of controllers) controller.abort();
    let status = 0;
    while (status !== 200) {
      const tried = await get(bench, "/v1/chimera/events");
      status = tried.status;
      await tried.body?.cancel();
    }
  });
});

test("recent requests are listed for the key that made them, the newest first", async () => {
  const bench = await startBench({ engines });
  for (const id of ["first", "second"]) {
    const headers = { ...own, "x-request-id": id, "x-chimera-workflow-id": "flow" };
    await (await chat(bench, { headers })).text();
  }
  await until(() => bench.gateway.view().requests === 0);
  const list: RequestList = JSON.parse(
    await (await get(bench, "/v1/chimera/decisions", own)).text(),
  );
  expect(list.requests).toMatchObject([
    { requestId: "second", workflowId: "flow", stage: 1, status: "completed", rule: "sticky" },
    { requestId: "first", stage: 0, status: "completed", outputTokens: 2 },
  ]);
  const running = await get(bench, "/v1/chimera/decisions?phase=running", own);
  expect(await running.json()).toMatchObject({ requests: [] });
  const wrong = await get(bench, "/v1/chimera/decisions?phase=gone", own);
  expect(await errorOf(wrong)).toMatchObject({ code: "invalid_request", param: "phase" });
  const foreign: RequestList = JSON.parse(await (await get(bench, "/v1/chimera/decisions")).text());
  expect(foreign.requests).toEqual([]);
});

const own = { authorization: "Bearer k1" };

async function threeStages(bench: Bench): Promise<void> {
  for (const id of ["r1", "r2", "r3"]) {
    const headers = { ...own, "x-request-id": id, "x-chimera-workflow-id": "flow" };
    await (await chat(bench, { headers })).text();
  }
  await until(() => bench.gateway.view().requests === 0);
  await fetch(new URL("/v1/feedback", bench.url), {
    method: "POST",
    headers: own,
    body: JSON.stringify({ workflow_id: "flow", score: 0.75 }),
  });
}

describe("workflows", () => {
  test("are listed for the key that ran them, with stages, tokens and score", async () => {
    const bench = await startBench({ engines });
    await threeStages(bench);
    const list: WorkflowList = JSON.parse(
      await (await get(bench, "/v1/chimera/workflows", own)).text(),
    );
    expect(list.workflows).toMatchObject([
      { workflowId: "flow", stages: 3, open: 0, failed: 0, outputTokens: 6, score: 0.75 },
    ]);
    expect(list.workflows[0]?.models).toHaveLength(1);
    const foreign = await get(bench, "/v1/chimera/workflows");
    expect(await foreign.json()).toMatchObject({ workflows: [] });
  });

  test("have a timeline, in the order of their stages", async () => {
    const bench = await startBench({ engines });
    await threeStages(bench);
    const detail: WorkflowDetail = JSON.parse(
      await (await get(bench, "/v1/chimera/workflows/flow", own)).text(),
    );
    expect(detail.stages.map(({ requestId, stage }) => [requestId, stage])).toEqual([
      ["r1", 0],
      ["r2", 1],
      ["r3", 2],
    ]);
    for (const { arrivedMs, dispatchedMs, firstTokenMs, endedMs } of detail.stages) {
      const times = [arrivedMs, dispatchedMs, firstTokenMs, endedMs];
      expect(times.every((each) => each !== null)).toBe(true);
      expect(times.toSorted((a, b) => Number(a) - Number(b))).toEqual(times);
    }
    const foreign = await get(bench, "/v1/chimera/workflows/flow");
    expect((await errorOf(foreign)).code).toBe("unknown_workflow");
  });
});

function ask(bench: Bench, body: object, headers: Record<string, string> = {}) {
  const url = new URL("/v1/chimera/what-if", bench.url);
  return fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
}

async function decided(bench: Bench): Promise<void> {
  for (const id of ["a", "b"]) {
    await (await chat(bench, { headers: { "x-request-id": id } })).text();
  }
  await until(() => bench.gateway.view().requests === 0);
}

async function answerOf(response: Response): Promise<WhatIfAnswer> {
  expect(response.status).toBe(200);
  return JSON.parse(await response.text());
}

describe("what if", () => {
  test("nothing else was asked for, nothing would have changed", async () => {
    const bench = await startBench({ engines });
    await decided(bench);
    const answer = await answerOf(await ask(bench, {}));
    expect(answer).toMatchObject({ redecided: 2, changed: 0, rows: [], candidates: null });
    expect(answer.confidence.before).toBe(answer.confidence.after);
  });

  test("another price is paid with another model, in sum and for one request", async () => {
    const bench = await startBench({
      engines,
      more: { models: [{ name: "chimera", price: 0 }] },
    });
    await decided(bench);
    const free = await answerOf(await ask(bench, {}));
    const dear = await answerOf(await ask(bench, { price: 1e9 }));
    expect(dear.redecided).toBe(free.redecided);
    expect(dear.expectedMs.after).toBeLessThanOrEqual(free.expectedMs.after ?? 0);
    const one = await answerOf(await ask(bench, { price: 1e9, request_id: "a" }));
    expect(one.redecided).toBe(1);
    expect(one.candidates?.map(({ engine }) => engine)).toEqual(["small", "large"]);
    const balanced = await answerOf(await ask(bench, { choice: "balancer" }));
    expect(balanced.models.reduce((sum, { after }) => sum + after, 0)).toBe(2);
    expect((await ask(bench, { choice: "paper", slack: 0, minGain: 0 })).status).toBe(200);
  });

  test.each([
    [{ choice: "random" }, "choice"],
    [{ price: -1 }, "price"],
    [{ slack: "much" }, "slack"],
    [{ minGain: null }, "minGain"],
    [{ request_id: 7 }, "request_id"],
  ])("refuses %j", async (body, param) => {
    const bench = await startBench({ engines });
    expect(await errorOf(await ask(bench, body))).toMatchObject({ code: "invalid_request", param });
  });

  test("is answered from the decisions of the own key alone", async () => {
    const bench = await startBench({ engines });
    await decided(bench);
    const foreign = { authorization: "Bearer k2" };
    expect(await answerOf(await ask(bench, {}, foreign))).toMatchObject({ redecided: 0 });
    const one = await ask(bench, { request_id: "a" }, foreign);
    expect((await errorOf(one)).code).toBe("unknown_decision");
  });
});

test("the events tell the heads of the queues, workflows as their clients know them", async () => {
  const bench = await startBench({
    engines: { small: nothing },
    engine: { maxConcurrency: 1 },
  });
  const clients = ["a", "b", "c"].map(() => leavingClient());
  const answers = clients.map(({ signal }, index) =>
    chat(bench, { signal, headers: { "x-chimera-workflow-id": `flow-${index}` } }).catch(
      () => null,
    ),
  );
  await until(() => (bench.gateway.view().engines[0]?.waiting ?? 0) >= 1);
  const response = await get(bench, "/v1/chimera/events");
  const reader = response.body?.getReader();
  const { value } = (await reader?.read()) ?? {};
  const told: ClusterView = JSON.parse(new TextDecoder().decode(value).slice("data: ".length));
  expect(told.queue[0]).toMatchObject({ engine: "small", position: 1, class: "default" });
  expect(told.queue[0]?.workflowId).toMatch(/^flow-\d$/);
  await reader?.cancel();
  for (const client of clients) client.leave();
  await Promise.all(answers);
});

test("the config is shown without its secrets, the predictions by model", async () => {
  const bench = await startBench({
    engines,
    engine: { apiKey: "engine-secret", headers: { "x-token": "header-secret" } },
  });
  const text = await (await get(bench, "/v1/chimera/config")).text();
  expect(text).not.toMatch(/engine-secret|header-secret/);
  expect(JSON.parse(text)).toMatchObject({ engines: [{ name: "small" }, { name: "large" }] });
  await (await chat(bench)).text();
  const predictions = await get(bench, "/v1/chimera/predictions");
  expect(await predictions.json()).toEqual({ models: [] });
});
