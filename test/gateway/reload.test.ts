import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { createApiKey } from "../../src/config/api-key.ts";
import { replayEventLog } from "../../src/gateway/event-log-replay.ts";
import {
  type Bench,
  chat,
  closeBenches,
  errorOf,
  startBench,
  streamed,
  until,
  untilIdle,
} from "./bench.ts";
import {
  begin,
  delta,
  DONE,
  finish,
  HELLO,
  nothing,
  type Script,
  ScriptedEngine,
  stream,
  usage,
} from "./scripted-engine.ts";

const started: ScriptedEngine[] = [];

async function start(script: Script): Promise<ScriptedEngine> {
  const engine = await ScriptedEngine.start(script);
  started.push(engine);
  return engine;
}

afterEach(async () => {
  await closeBenches();
  await Promise.all(started.splice(0).map((engine) => engine.kill()));
});

/** An answer whose end the test holds back. */
function held(): { readonly script: Script; readonly release: () => void } {
  const gate = new AbortController();
  return {
    release: () => gate.abort(),
    script: async ({ response }) => {
      begin(response);
      response.write(delta("Hel"));
      await once(gate.signal, "abort");
      for (const text of [delta("lo"), finish(), usage(7, 2), DONE]) response.write(text);
      response.end();
    },
  };
}

function keyed(key: string): { readonly headers: Readonly<Record<string, string>> } {
  return { headers: { authorization: `Bearer ${key}` } };
}

function names(bench: Bench): string[] {
  return bench.gateway.view().engines.map((engine) => `${engine.name} ${engine.state}`);
}

function entry(name: string, engine: ScriptedEngine, more: object = {}): object {
  return { name, model: name.split("-")[0], url: engine.url, ...more };
}

test("an engine that is no longer in the config ends what it runs, takes nothing more, and goes", async () => {
  const { script, release } = held();
  const bench = await startBench({ engines: { "m-1": script, "m-2": stream(...HELLO) } });
  const [one, two] = [bench.engine("m-1"), bench.engine("m-2")];
  const headers = { "x-chimera-workflow-id": "w" };
  const running = await streamed(bench, { headers });
  expect(running.headers.get("x-chimera-engine")).toBe("m-1");
  const result = await bench.reload({ engines: [entry("m-2", two)] });
  expect(result).toEqual({ ok: true, changed: ["engines.m-1"], kept: [] });
  expect(names(bench)).toEqual(["m-1 draining", "m-2 live"]);
  const next = await chat(bench, { headers });
  expect(next.headers.get("x-chimera-engine")).toBe("m-2");
  release();
  expect(await running.text()).toContain("[DONE]");
  await until(() => names(bench).length === 1);
  expect(names(bench)).toEqual(["m-2 live"]);
  expect(one.seen).toHaveLength(1);
});

test("an engine joins while the gateway serves, and its model can be asked for", async () => {
  const bench = await startBench({ engines: { small: stream(...HELLO) } });
  const large = await start(stream(...HELLO));
  expect((await chat(bench, { body: { model: "large" } })).status).toBe(404);
  await bench.reload({
    engines: [entry("small", bench.engine("small")), entry("large", large, { confidence: 0.9 })],
    models: [{ name: "best", candidates: ["large"] }],
  });
  await until(() => names(bench).includes("large live"));
  const answer = await chat(bench, { body: { model: "large" } });
  expect(answer.headers.get("x-chimera-engine")).toBe("large");
  expect(answer.headers.get("x-chimera-confidence")).toContain("0.9");
  const virtual = await chat(bench, { body: { model: "best" } });
  expect(virtual.headers.get("x-chimera-model")).toBe("large");
  const listed = await (await fetch(`${bench.url}/models`)).text();
  expect(listed).toContain("best");
  expect(large.seen).toHaveLength(2);
});

test("another key for an engine counts from its next request on; what runs there goes on", async () => {
  const { script, release } = held();
  const bench = await startBench({ engines: { m: script }, engine: { apiKey: "before" } });
  const engine = bench.engine("m");
  const running = await streamed(bench);
  engine.script = stream(...HELLO);
  await bench.reload({ engines: [entry("m", engine, { apiKey: "after", maxConcurrency: 3 })] });
  expect(bench.gateway.view().engines).toMatchObject([{ state: "live", maxSequences: 3 }]);
  expect((await chat(bench)).status).toBe(200);
  release();
  expect(await running.text()).toContain("[DONE]");
  const seen = engine.seen.map(({ headers }) => headers.authorization);
  expect(seen).toEqual(["Bearer before", "Bearer after"]);
});

test("an engine that moves ends what it runs at the old place and serves at the new one", async () => {
  const { script, release } = held();
  const bench = await startBench({ engines: { m: script } });
  const moved = await start(stream(...HELLO));
  const running = await streamed(bench);
  await bench.reload({ engines: [entry("m", moved)] });
  expect(names(bench)).toEqual(["m draining"]);
  const readiness = new URL("/readyz", bench.url);
  expect((await fetch(readiness)).status).toBe(503);
  const early = await chat(bench);
  expect(early.status).toBe(503);
  expect(early.headers.has("retry-after")).toBe(true);
  release();
  expect(await running.text()).toContain("[DONE]");
  await until(() => names(bench)[0] === "m live");
  expect((await fetch(readiness)).status).toBe(200);
  expect((await chat(bench)).status).toBe(200);
  expect(moved.seen).toHaveLength(1);
});

test("an engine that is taken back before it has gone stays", async () => {
  const { script, release } = held();
  const bench = await startBench({ engines: { "m-1": script, "m-2": stream(...HELLO) } });
  const both = [entry("m-1", bench.engine("m-1")), entry("m-2", bench.engine("m-2"))];
  const running = await streamed(bench);
  await bench.reload({ engines: both.slice(1) });
  expect(names(bench)).toEqual(["m-1 draining", "m-2 live"]);
  await bench.reload({ engines: both });
  expect(names(bench)).toEqual(["m-1 live", "m-2 live"]);
  release();
  expect(await running.text()).toContain("[DONE]");
  expect(names(bench)).toEqual(["m-1 live", "m-2 live"]);
});

test("an engine that dies while it is to go, goes; what ran there is served elsewhere", async () => {
  const bench = await startBench({ engines: { "m-1": nothing, "m-2": stream(...HELLO) } });
  const one = bench.engine("m-1");
  const running = chat(bench);
  await one.arrived(1);
  await bench.reload({ engines: [entry("m-2", bench.engine("m-2"))] });
  await one.kill();
  const answer = await running;
  expect(answer.status).toBe(200);
  expect(answer.headers.get("x-chimera-engine")).toBe("m-2");
  await until(() => names(bench).length === 1);
});

test("keys come and go; a limit that stays keeps what was used of it", async () => {
  const [ann, bob] = [createApiKey(), createApiKey()];
  const keys = [{ name: "ann", hash: ann.hash, requestsPerMinute: 2 }];
  const bench = await startBench({ engines: { m: stream(...HELLO) }, more: { keys } });
  expect((await chat(bench, keyed(ann.key))).status).toBe(200);
  expect((await chat(bench, keyed(bob.key))).status).toBe(401);
  await bench.reload({ keys: [...keys, { name: "bob", hash: bob.hash }] });
  expect((await chat(bench, keyed(bob.key))).status).toBe(200);
  const last = await chat(bench, keyed(ann.key));
  expect(last.headers.get("x-ratelimit-remaining-requests")).toBe("0");
  await bench.reload({ keys: [{ name: "bob", hash: bob.hash }] });
  expect((await chat(bench, keyed(ann.key))).status).toBe(401);
});

test("prices and limits change for who comes next; what only a start can set is kept and named", async () => {
  const bench = await startBench({ engines: { m: stream(...HELLO) } });
  const result = await bench.reload({
    listen: "127.0.0.1:1",
    policy: { price: 0.7 },
    limits: { messagesMax: 1 },
    store: { path: "elsewhere.db" },
  });
  expect(result).toEqual({
    ok: true,
    changed: ["policy.price", "limits.messagesMax"],
    kept: ["listen.port", "store.path"],
  });
  const answer = await chat(bench);
  const id = answer.headers.get("x-request-id");
  const told = await (await fetch(`${bench.url}/chimera/decisions/${id}`)).text();
  expect(told).toContain('"price":0.7');
  const two = [
    { role: "user", content: "a" },
    { role: "user", content: "b" },
  ];
  expect((await chat(bench, { body: { messages: two } })).status).toBe(400);
});

test("a bad config changes nothing and every problem is told", async () => {
  const bench = await startBench({ engines: { m: stream(...HELLO) } });
  const result = await bench.reload({
    engines: [{ url: "nowhere", model: "other" }],
    policy: { price: -1 },
  });
  expect(result).toMatchObject({ ok: false });
  expect(result.ok ? [] : result.problems.map((each) => each.split(": ")[1])).toEqual([
    "engines[0].url",
    "policy.price",
  ]);
  expect(names(bench)).toEqual(["m live"]);
  expect((await chat(bench, { body: { model: "m" } })).status).toBe(200);
  expect((await errorOf(await chat(bench, { body: { model: "other" } }))).code).toBe(
    "model_not_found",
  );
});

test("a storm of reloads under load loses no request, and the log of events replays", async () => {
  const folder = await mkdtemp(join(tmpdir(), "chimera-reload-"));
  const recordEventsPath = join(folder, "events.jsonl");
  const engines = { "m-1": stream(...HELLO), "m-2": stream(...HELLO), "m-3": stream(...HELLO) };
  const bench = await startBench({ engines, recordEventsPath });
  const all = Object.keys(engines).map((name) => entry(name, bench.engine(name)));
  const client = async (): Promise<number[]> => {
    const statuses: number[] = [];
    for (let turn = 0; turn < 20; turn++) {
      const answer = await streamed(bench);
      const text = await answer.text();
      statuses.push(text.includes("[DONE]") ? answer.status : 0);
    }
    return statuses;
  };
  const reloads = async (): Promise<number[]> => {
    for (let turn = 0; turn < 20; turn++) {
      const left = all.filter((_, index) => index !== turn % 4);
      await bench.reload({ engines: left, policy: { price: (turn % 10) / 10 } });
      await until(() => bench.gateway.view().engines.every(({ state }) => state === "live"));
    }
    return [];
  };
  const statuses = (await Promise.all([reloads(), ...Array.from({ length: 6 }, client)])).flat();
  expect(statuses).toHaveLength(120);
  expect(statuses.filter((status) => status !== 200)).toEqual([]);
  await untilIdle(bench.gateway);
  await bench.gateway.close();
  expect(await replayEventLog(recordEventsPath)).toMatchObject({ cut: false, difference: null });
  await rm(folder, { recursive: true });
});
