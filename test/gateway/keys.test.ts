import { mkdtemp, rm } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { createApiKey } from "../../src/config/api-key.ts";
import { openTraceReader } from "../../src/store/trace-reader.ts";
import {
  type Bench,
  chat,
  closeBenches,
  errorOf,
  leavingClient,
  MESSAGES,
  startBench,
  streamed,
  until,
  untilIdle,
} from "./bench.ts";
import { HELLO, nothing, stream } from "./scripted-engine.ts";

afterEach(closeBenches);

const engines = { small: stream(...HELLO), large: stream(...HELLO) };
const a = createApiKey();
const b = createApiKey();
const operator = createApiKey();
const asA = { authorization: `Bearer ${a.key}` };
const asB = { "x-api-key": b.key };

function keyed(limits: object = {}, more: object = {}): Promise<Bench> {
  const keys = [
    { name: "team-a", hash: a.hash, ...limits },
    { name: "team-b", hash: b.hash },
  ];
  return startBench({ engines, more: { keys, ...more } });
}

function get(bench: Bench, path: string, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(new URL(path, bench.url), { headers });
}

function messages(bench: Bench, headers: Record<string, string>): Promise<Response> {
  return chat(bench, { path: "/messages", headers, body: { max_tokens: 5 } });
}

/** The status of a GET with headers that fetch would not send. */
function statusWith(url: URL, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    httpRequest(url, { headers }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    })
      .on("error", reject)
      .end();
  });
}

describe("without a key that is known", () => {
  const wrong: Record<string, string>[] = [
    {},
    { authorization: `Bearer ${createApiKey().key}` },
    { authorization: `Bearer ${a.hash}` },
    { authorization: `Basic ${a.key}` },
    { authorization: `Bearer ${a.key}x` },
    { "x-api-key": "hunter2" },
  ];

  test.each(wrong)("%j is answered 401, in the words of each API", async (headers) => {
    const bench = await keyed();
    for (const path of ["/chat/completions", "/completions", "/embeddings", "/responses"]) {
      const refused = await chat(bench, { path, headers });
      expect([path, refused.status]).toEqual([path, 401]);
      expect(refused.headers.get("www-authenticate")).toBe("Bearer");
      expect(await errorOf(refused)).toMatchObject({
        type: "invalid_request_error",
        code: "invalid_api_key",
      });
    }
    for (const path of ["/messages", "/messages/count_tokens"]) {
      const refused = await chat(bench, { path, headers });
      expect([path, refused.status]).toEqual([path, 401]);
      const { type, error } = JSON.parse(await refused.text());
      expect([type, error.type]).toEqual(["error", "authentication_error"]);
    }
    for (const path of ["/v1/models", "/v1/models/small", "/v1/feedback", "/v1/none"]) {
      expect([path, (await get(bench, path, headers)).status]).toEqual([path, 401]);
    }
    expect(bench.engine("small").seen.length + bench.engine("large").seen.length).toBe(0);
  });

  test("the body is not waited for", async () => {
    const bench = await keyed();
    const url = new URL(`${bench.url}/chat/completions`);
    const status = await new Promise<number>((resolve, reject) => {
      const sent = httpRequest(url, { method: "POST", headers: { "content-length": "1000000" } });
      sent.on("response", (response) => {
        response.resume();
        resolve(response.statusCode ?? 0);
        sent.destroy();
      });
      sent.on("error", reject);
      sent.write("{");
    });
    expect(status).toBe(401);
  });

  test("whether the gateway is well is open, without the models", async () => {
    const bench = await keyed();
    expect((await get(bench, "/healthz")).status).toBe(200);
    const far = { "x-forwarded-for": "192.0.2.1" };
    expect(await (await get(bench, "/readyz", far)).json()).toEqual({ ready: true });
  });
});

describe("a key that is known", () => {
  test("serves, by either header, and never reaches an engine", async () => {
    const bench = await keyed();
    expect((await chat(bench, { headers: asA, body: { model: "small" } })).status).toBe(200);
    expect((await chat(bench, { headers: asB, body: { model: "small" } })).status).toBe(200);
    expect((await messages(bench, asB)).status).toBe(200);
    for (const seen of [...bench.engine("small").seen, ...bench.engine("large").seen]) {
      expect(JSON.stringify([seen.headers, seen.text])).not.toMatch(/ck-/);
    }
  });

  test("knows of its own models only", async () => {
    const bench = await keyed({ models: ["small"] });
    const list = JSON.parse(await (await get(bench, "/v1/models", asA)).text());
    expect(list.data.map(({ id }: { id: string }) => id)).toEqual(["small"]);
    expect((await get(bench, "/v1/models/large", asA)).status).toBe(404);
    expect((await get(bench, "/v1/models/large", asB)).status).toBe(200);
    for (const model of ["large", "chimera"]) {
      const refused = await chat(bench, { headers: asA, body: { model } });
      expect([refused.status, (await errorOf(refused)).code]).toEqual([404, "model_not_found"]);
      const count = { path: "/messages/count_tokens", headers: asA, body: { model } };
      expect((await chat(bench, count)).status).toBe(404);
    }
    expect((await chat(bench, { headers: asA, body: { model: "small" } })).status).toBe(200);
  });

  test("has its requests lowered to its class, and is told so", async () => {
    const bench = await keyed({ classMax: "default" });
    const wish = { "x-chimera-class": "system" };
    const lowered = await chat(bench, { headers: { ...asA, ...wish } });
    expect(lowered.headers.get("x-chimera-class")).toBe("default");
    expect(lowered.headers.get("x-chimera-class-asked")).toBe("system");
    const own = await chat(bench, { headers: { ...asA, "x-chimera-class": "bulk" } });
    expect(own.headers.get("x-chimera-class")).toBeNull();
    // Nobody is of class system unless the configuration says so.
    const unset = await chat(bench, { headers: { ...asB, ...wish } });
    expect(unset.headers.get("x-chimera-class")).toBe("interactive");
    await untilIdle(bench.gateway);
    const page = await (await get(bench, "/metrics")).text();
    expect(page).toMatch(/chimera_requests_total\{[^}]*class="default"[^}]*\} 1/);
    expect(page).toMatch(/chimera_requests_total\{[^}]*class="interactive"[^}]*\} 1/);
  });

  test("sees no other key's workflows, decisions or feedback", async () => {
    const bench = await keyed();
    const flow = { "x-chimera-workflow-id": "flow", "x-request-id": "r1" };
    await (await chat(bench, { headers: { ...asA, ...flow } })).text();
    expect((await get(bench, "/v1/chimera/decisions/r1", asA)).status).toBe(200);
    expect((await get(bench, "/v1/chimera/decisions/r1", asB)).status).toBe(404);
    const url = `${bench.url}/feedback`;
    const body = JSON.stringify({ workflow_id: "flow", score: 1 });
    expect((await fetch(url, { method: "POST", headers: asB, body })).status).toBe(404);
    expect((await fetch(url, { method: "POST", headers: asA, body })).status).toBe(200);
  });
});

describe("the limits of a key", () => {
  test("requests per minute: what is left is told, then 429 with the time to wait", async () => {
    const bench = await keyed({ requestsPerMinute: 2 });
    const first = await chat(bench, { headers: asA });
    expect(first.headers.get("x-ratelimit-limit-requests")).toBe("2");
    expect(first.headers.get("x-ratelimit-remaining-requests")).toBe("1");
    expect(first.headers.get("x-ratelimit-reset-requests")).toMatch(/^\d+\.\d+s$/);
    expect((await streamed(bench, { headers: asA })).status).toBe(200);
    const refused = await chat(bench, { headers: asA });
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect(Number(refused.headers.get("retry-after"))).toBeLessThanOrEqual(30);
    expect(refused.headers.get("x-ratelimit-remaining-requests")).toBe("0");
    expect((await errorOf(refused)).code).toBe("rate_limit_exceeded");
    const other = await messages(bench, asA);
    expect([other.status, JSON.parse(await other.text()).error.type]).toEqual([
      429,
      "rate_limit_error",
    ]);
    expect((await chat(bench, { headers: asB })).status).toBe(200);
    const page = await (await get(bench, "/metrics")).text();
    expect(page).toContain(`chimera_tenant_refusals_total{tenant="team-a",limit="requests"} 2`);
  });

  test("tokens per minute: expected ones are held, used ones are paid", async () => {
    const bench = await keyed({ tokensPerMinute: 1000 });
    const first = await chat(bench, { headers: asA, body: { max_tokens: 500 } });
    const held = Number(first.headers.get("x-ratelimit-remaining-tokens"));
    expect(held).toBeLessThan(999);
    await first.text();
    await untilIdle(bench.gateway);
    const second = await chat(bench, { headers: asA, body: { max_tokens: 1 } });
    // The first made two tokens, whatever was expected of it.
    expect(Number(second.headers.get("x-ratelimit-remaining-tokens"))).toBeGreaterThan(900);
  });

  test("tokens per minute: a key in debt waits", async () => {
    const bench = await keyed({ tokensPerMinute: 10 });
    const long = [{ role: "user", content: "word ".repeat(200) }];
    expect((await chat(bench, { headers: asA, body: { messages: long } })).status).toBe(200);
    const refused = await chat(bench, { headers: asA });
    expect([refused.status, (await errorOf(refused)).code]).toEqual([429, "rate_limit_exceeded"]);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(60);
  });

  test("concurrency: a place is free when an answer has ended or its client has left", async () => {
    const bench = await startBench({
      engines: { small: nothing },
      more: { keys: [{ name: "team-a", hash: a.hash, concurrency: 1 }] },
    });
    const { signal, leave } = leavingClient();
    const held = chat(bench, { headers: asA, signal });
    await bench.engine("small").arrived(1);
    const refused = await chat(bench, { headers: asA });
    expect([refused.status, (await errorOf(refused)).code]).toEqual([429, "concurrency_exceeded"]);
    expect(refused.headers.get("retry-after")).toBe("1");
    leave();
    await held.catch(() => undefined);
    await untilIdle(bench.gateway);
    bench.engine("small").script = stream(...HELLO);
    await (await chat(bench, { headers: asA })).text();
    expect((await chat(bench, { headers: asA, body: { messages: MESSAGES } })).status).toBe(200);
  });
});

describe("what operators look at", () => {
  const paths = [
    "/metrics",
    "/v1/chimera/state",
    "/v1/chimera/config",
    "/v1/chimera/predictions",
    "/v1/chimera/decisions",
    "/v1/chimera/workflows",
  ];

  test("is open to this machine, and to the token, not to clients or proxies", async () => {
    const bench = await keyed({}, { admin: { hash: operator.hash } });
    const token = { authorization: `Bearer ${operator.key}` };
    await (await chat(bench, { headers: asA })).text();
    for (const path of paths) {
      const url = new URL(path, bench.url);
      const status = async (headers: Record<string, string>) =>
        (await get(bench, path, headers)).status;
      expect([path, await status({})]).toEqual([path, 200]);
      expect([path, await status(token)]).toEqual([path, 200]);
      expect([path, await status({ ...token, "x-forwarded-for": "192.0.2.1" })]).toEqual([
        path,
        200,
      ]);
      expect([path, await status({ "x-forwarded-for": "127.0.0.1" })]).toEqual([path, 401]);
      expect([path, await status({ authorization: "Bearer wrong" })]).toEqual([path, 401]);
      // The name of another site that was made to point here.
      expect([path, await statusWith(url, { host: "evil.example" })]).toEqual([path, 401]);
      expect([path, await statusWith(url, { host: "localhost:1" })]).toEqual([path, 200]);
    }
    expect((await get(bench, "/metrics", asA)).status).toBe(401);
    expect((await get(bench, "/v1/chimera/%73tate", asA)).status).toBe(401);
    expect((await get(bench, "/v1/chimera/events", asA)).status).toBe(401);
    expect((await get(bench, "/v1/chimera/config", asA)).status).toBe(401);
    expect((await get(bench, "/v1/chimera/predictions", asA)).status).toBe(401);
    // The operators' token is no client's key.
    expect((await chat(bench, { headers: token })).status).toBe(401);
    const all = JSON.parse(await (await get(bench, "/v1/chimera/decisions", token)).text());
    expect(all.requests).toHaveLength(1);
  });

  test("names keys, never shows them", async () => {
    const folder = await mkdtemp(join(tmpdir(), "chimera-keys-"));
    const path = join(folder, "traces.db");
    const bench = await keyed({}, { store: { path } });
    await (await chat(bench, { headers: asA })).text();
    await until(() => bench.gateway.view().requests === 0);
    const page = await (await get(bench, "/metrics")).text();
    expect(page).toContain(`chimera_tenant_requests_total{tenant="team-a",outcome="completed"} 1`);
    expect(page).toContain(`chimera_tenant_tokens_total{tenant="team-a",kind="output"} 2`);
    const state = await (await get(bench, "/v1/chimera/decisions")).text();
    await bench.gateway.close();
    const opened = openTraceReader(path);
    if (!opened.ok) throw new Error(opened.message);
    const rows = [...opened.reader.stages()];
    opened.reader.close();
    expect(rows.map(({ tenant }) => tenant)).toEqual(["team-a"]);
    const shown = page + state + JSON.stringify(rows);
    for (const secret of [a.key, a.hash, a.hash.slice("sha256:".length)]) {
      expect(shown).not.toContain(secret);
    }
    await rm(folder, { recursive: true });
  });
});
