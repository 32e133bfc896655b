import { afterEach, expect, test } from "vitest";
import { createApiKey } from "../../src/config/api-key.ts";
import { type Bench, chat, closeBenches, startBench, streamed, until } from "./bench.ts";
import { HELLO, ScriptedEngine, stream } from "./scripted-engine.ts";

const { key, hash } = createApiKey();
const started: ScriptedEngine[] = [];

afterEach(async () => {
  await closeBenches();
  await Promise.all(started.splice(0).map((engine) => engine.kill()));
});

function start(): Promise<Bench> {
  const more = { admin: { api: { listen: "127.0.0.1:0", hash } } };
  return startBench({
    engines: { "m-1": stream(...HELLO), "m-2": stream(...HELLO) },
    engine: { apiKey: "engine-secret" },
    more,
  });
}

async function ask(
  { gateway }: Bench,
  what: string,
  body: string | null = null,
  token: string = key,
): Promise<{ status: number; text: string }> {
  const [method = "", path = ""] = what.split(" ");
  const response = await fetch(`${gateway.adminUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${token}` },
    body,
  });
  return { status: response.status, text: await response.text() };
}

function states(bench: Bench): string[] {
  return bench.gateway.view().engines.map(({ name, state }) => `${name} ${state}`);
}

test("without its token nothing is told or done, and clients' ports have no such paths", async () => {
  const bench = await start();
  for (const token of ["", "wrong", createApiKey().key]) {
    const answer = await ask(bench, "POST /engines/m-1/drain", null, token);
    expect(answer.status).toBe(401);
    expect(answer.text).toContain("invalid_token");
  }
  expect(states(bench)).toEqual(["m-1 live", "m-2 live"]);
  expect((await fetch(new URL("/config", bench.url))).status).toBe(404);
});

test("state and config are shown, secrets masked", async () => {
  const bench = await start();
  expect(JSON.parse((await ask(bench, "GET /state")).text)).toEqual(bench.gateway.view());
  const { text } = await ask(bench, "GET /config");
  expect(text).toContain('"name":"m-1"');
  expect(text).not.toContain("engine-secret");
  expect(text).not.toContain(hash);
});

test("an engine drains, takes work again, joins and goes", async () => {
  const bench = await start();
  expect((await ask(bench, "POST /engines/m-1/drain")).status).toBe(200);
  expect(states(bench)).toEqual(["m-1 draining", "m-2 live"]);
  expect((await chat(bench)).headers.get("x-chimera-engine")).toBe("m-2");
  expect((await ask(bench, "POST /engines/m-1/resume")).status).toBe(200);
  expect(states(bench)).toEqual(["m-1 live", "m-2 live"]);
  const large = await ScriptedEngine.start(stream(...HELLO));
  started.push(large);
  const added = await ask(bench, "POST /engines", `{"url":"${large.url}","model":"large"}`);
  expect(added).toEqual({ status: 201, text: '{"name":"large"}' });
  await until(() => states(bench).includes("large live"));
  expect(await (await streamed(bench, { body: { model: "large" } })).text()).toContain("[DONE]");
  expect((await ask(bench, "DELETE /engines/large")).status).toBe(202);
  await until(() => states(bench).length === 2);
  expect((await chat(bench, { body: { model: "large" } })).status).toBe(404);
  expect((await ask(bench, "POST /reload")).text).toContain('"changed":[]');
});

test("what cannot be is refused with its reasons and changes nothing", async () => {
  const bench = await start();
  const bad = await ask(bench, "POST /engines", '{"url":"nowhere","modle":"x"}');
  expect(bad.status).toBe(422);
  expect(bad.text).toContain("did you mean model?");
  const url = bench.engine("m-1").url;
  const taken = await ask(bench, "POST /engines", `{"url":"${url}","model":"m","name":"m-1"}`);
  expect(taken.status).toBe(422);
  expect((await ask(bench, "POST /engines", "{")).text).toContain("invalid_json");
  expect((await ask(bench, "POST /engines", "x".repeat(70_000))).status).toBe(413);
  expect((await ask(bench, "DELETE /engines/none")).status).toBe(404);
  expect((await ask(bench, "GET /engines/m-1")).status).toBe(405);
  expect((await ask(bench, "GET /nothing")).status).toBe(404);
  expect((await ask(bench, "DELETE /engines/m-1")).status).toBe(202);
  expect((await ask(bench, "DELETE /engines/m-2")).text).toContain("the last engine stays");
  expect(states(bench)).toEqual(["m-2 live"]);
});
