import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, expect, test, vi } from "vitest";
import { explainId } from "../../src/cli/explain.ts";
import { createApiKey } from "../../src/config/api-key.ts";
import { type Bench, chat, closeBenches, startBench, until } from "../gateway/bench.ts";
import { HELLO, stream } from "../gateway/scripted-engine.ts";
import { KeptPrinter } from "./kept-printer.ts";

afterEach(async () => {
  vi.unstubAllEnvs();
  await closeBenches();
});

const engines = { small: stream(...HELLO), large: stream(...HELLO) };
const WORKFLOW = { "x-chimera-workflow-id": "sum-up" };

async function explained(
  id: string,
  flags: { readonly url?: string; readonly store?: string; readonly json?: boolean },
): Promise<{ code: number; printer: KeptPrinter }> {
  const printer = new KeptPrinter();
  const { url = "http://127.0.0.1:1", store, json = false } = flags;
  return { code: await explainId({ id, url, store, json }, printer), printer };
}

/** The id of a request that has ended. */
async function ended(bench: Bench, headers: Record<string, string> = WORKFLOW): Promise<string> {
  const response = await chat(bench, { headers });
  await response.text();
  await until(() => bench.gateway.view().requests === 0);
  return response.headers.get("x-request-id") ?? "";
}

test("a request is told with its candidates, the rule in words, numbers and times", async () => {
  const bench = await startBench({ engines });
  const id = await ended(bench);
  const { code, printer } = await explained(id, { url: bench.url });
  expect(code).toBe(0);
  expect(printer.text).toContain(`request ${id}, stage 1 of workflow sum-up: done`);
  expect(printer.text).toMatch(/best value/);
  expect(printer.text).toMatch(/candidate +model +confidence +running/);
  expect(printer.text).toMatch(/small .* chosen|large .* chosen/);
  expect(printer.text).toMatch(/this stage +\d+ +2\n/);
  for (const moment of ["arrived", "dispatched to", "first token", "done"]) {
    expect(printer.text).toContain(moment);
  }
});

test("a workflow is told stage by stage, and as JSON whole", async () => {
  const bench = await startBench({ engines });
  const ids = [await ended(bench), await ended(bench)];
  const told = await explained("sum-up", { url: bench.url });
  expect(told.printer.text).toContain("2 requests: 4 output tokens");
  const { code, printer } = await explained("sum-up", { url: bench.url, json: true });
  expect(code).toBe(0);
  const answer = JSON.parse(printer.text);
  expect(answer.requests.map((each: { requestId: string }) => each.requestId)).toEqual(ids);
});

test("a trace store tells the same as the gateway, by request and by workflow", async () => {
  const folder = await mkdtemp(join(tmpdir(), "chimera-explain-"));
  const path = join(folder, "traces.db");
  const bench = await startBench({ engines, more: { store: { path } } });
  const id = await ended(bench);
  const live = await explained(id, { url: bench.url });
  await closeBenches();
  for (const name of [id, "sum-up"]) {
    const stored = await explained(name, { store: path });
    expect(stored.code).toBe(0);
    expect(stored.printer.text).toBe(live.printer.text);
  }
  expect(await explained("nobody", { store: path })).toMatchObject({ code: 1 });
  await rm(folder, { recursive: true });
});

test("what is not there, and a gateway that is not there, are said", async () => {
  const bench = await startBench({ engines });
  const unknown = await explained("nobody", { url: bench.url });
  expect(unknown.code).toBe(1);
  expect(unknown.printer.remarks.join()).toContain("--store FILE");
  const nowhere = await explained("nobody", {});
  expect(nowhere.code).toBe(1);
  expect(nowhere.printer.remarks.join()).toContain("no gateway answers at http://127.0.0.1:1");
});

test("a gateway with keys asks for one, and takes it from the environment", async () => {
  const { key, hash } = createApiKey();
  const bench = await startBench({ engines, more: { keys: [{ name: "team-a", hash }] } });
  const id = await ended(bench, { authorization: `Bearer ${key}` });
  vi.stubEnv("CHIMERA_TOKEN", createApiKey().key);
  const refused = await explained(id, { url: bench.url });
  expect(refused.printer.remarks.join()).toContain("set CHIMERA_TOKEN");
  vi.stubEnv("CHIMERA_TOKEN", key);
  expect(await explained(id, { url: bench.url })).toMatchObject({ code: 0 });
});
