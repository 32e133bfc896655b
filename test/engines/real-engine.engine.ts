/**
 * A real engine behind the gateway, by hand: `CHIMERA_ENGINE_URL=http://127.0.0.1:8100/v1 npx vitest run --config
 * test/engines/vitest.config.ts`. `CHIMERA_ENGINE_SEQUENCES` (2) is how many requests it runs at once;
 * `CHIMERA_ENGINE_MODEL` and `CHIMERA_ENGINE_KIND` are for engines that do not say what they are. On vLLM
 * start it with `--scheduling-policy priority --enable-auto-tool-choice --tool-call-parser hermes`.
 */
import { setTimeout as wait } from "node:timers/promises";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { parseConfig } from "../../src/config/load.ts";
import { EngineClient } from "../../src/engine/client.ts";
import { ENGINE_KINDS, engineTraits, type EngineKind } from "../../src/engine/endpoint.ts";
import { identifyEngine } from "../../src/engine/identity.ts";
import { type EngineLoad, readLoad } from "../../src/engine/metrics-reader.ts";
import { createGateway, type Gateway } from "../../src/gateway/server.ts";
import { CuttableLink } from "./cuttable-link.ts";

const ENGINE_URL = process.env["CHIMERA_ENGINE_URL"] ?? "";
const SEQUENCES = Number(process.env["CHIMERA_ENGINE_SEQUENCES"] ?? "2");
if (ENGINE_URL === "") {
  process.stdout.write("skipped: CHIMERA_ENGINE_URL names no engine\n");
}

let link: CuttableLink;
let gateway: Gateway;
/** Gives the engine more than it runs at once, so that it queues and orders itself. */
let crowding: Gateway;
let engine: EngineClient;
let kind: EngineKind;
let base = "";
let crowdingBase = "";

function configured(model: string, maxConcurrency: number): Parameters<typeof createGateway>[0] {
  const { priority } = engineTraits(kind);
  const url = `http://127.0.0.1:${link.port}/v1`;
  const text = JSON.stringify({
    listen: "127.0.0.1:0",
    engines: [{ name: "real", url, model, kind, priority, maxConcurrency }],
    store: { path: null },
  });
  const parsed = parseConfig(text, { file: "test", environment: {}, flags: {} });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return { config: parsed.config, logger: pino({ level: "silent" }) };
}

async function untilLive(of: Gateway): Promise<void> {
  await vi.waitFor(() => expect(of.view().engines[0]?.state).toBe("live"), { timeout: 20_000 });
}

function engineClient(model: string, ofKind: EngineKind): EngineClient {
  return new EngineClient({
    name: "real",
    url: ENGINE_URL,
    kind: ofKind,
    upstreamModel: model,
    apiKey: null,
    headers: {},
    priority: "none",
    timeouts: { connectMs: 5_000, headersMs: 60_000, idleMs: 60_000, totalMs: 120_000 },
  });
}

async function start(): Promise<void> {
  const unknown = engineClient("", "openai");
  const identity = await identifyEngine(unknown);
  await unknown.destroy();
  const model = process.env["CHIMERA_ENGINE_MODEL"] ?? identity?.models[0];
  const told = ENGINE_KINDS.find((each) => each === process.env["CHIMERA_ENGINE_KIND"]);
  if (model === undefined) throw new Error("the engine lists no models: give CHIMERA_ENGINE_MODEL");
  kind = told ?? identity?.kind ?? "openai";
  engine = engineClient(model, kind);
  const { hostname, port } = new URL(ENGINE_URL);
  link = new CuttableLink(hostname, Number(port));
  await link.open();
  gateway = await createGateway(configured(model, SEQUENCES));
  crowding = await createGateway(configured(model, 64));
  base = (await gateway.listen()).url;
  crowdingBase = (await crowding.listen()).url;
  await untilLive(gateway);
  await untilLive(crowding);
}

function ask(body: object, to = base, signal: AbortSignal | null = null): Promise<Response> {
  return fetch(`${to}/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      model: "chimera",
      messages: [{ role: "user", content: "one two three" }],
      max_tokens: 16,
      ...body,
    }),
    signal,
  });
}

async function load(): Promise<EngineLoad> {
  const { metricsPath } = engineTraits(kind);
  const reply = await engine.getText(metricsPath ?? "/metrics");
  const read = reply.failure === null ? readLoad(kind, reply.body) : null;
  if (read === null) throw new Error("the engine's metrics cannot be read");
  return read;
}

const hasMetrics = (): boolean => engineTraits(kind).metricsPath !== null;

/** Time from sending to the first byte of the answer, and from then to its end; the text. */
async function timed(body: object, to: string): Promise<{ firstMs: number; text: string }> {
  const response = await ask({ ...body, stream: true }, to);
  if (response.body === null) throw new Error("no body");
  let firstMs = Number.POSITIVE_INFINITY;
  let text = "";
  const decoder = new TextDecoder();
  for await (const part of response.body) {
    const piece = decoder.decode(part, { stream: true });
    if (piece.includes("data:")) firstMs = Math.min(firstMs, performance.now());
    text += piece;
  }
  return { firstMs, text };
}

const TOOL = {
  type: "function",
  function: {
    name: "weather",
    description: "the weather of a city",
    parameters: {
      type: "object",
      properties: { city: { type: "string", maxLength: 8 } },
      required: ["city"],
    },
  },
};

describe.skipIf(ENGINE_URL === "")("a real engine behind the gateway", () => {
  beforeAll(start);
  afterAll(async () => {
    await Promise.all([gateway.close(), crowding.close()]);
    await link.cut();
    await engine.destroy();
  });

  test("chat, whole", async () => {
    const response = await ask({});
    expect(response.status).toBe(200);
    expect(await response.json()).toMatchObject({
      choices: [{ message: { role: "assistant" }, finish_reason: expect.any(String) }],
      usage: { completion_tokens: expect.any(Number) },
    });
  });

  test("chat, streamed, usage only for who asked", async () => {
    const plain = await (await ask({ stream: true })).text();
    expect(plain).toContain("data: [DONE]");
    // Where it comes unasked, it comes beside the finish reason and does no harm.
    if (engineTraits(kind).usageMustBeAsked) expect(plain).not.toContain('"usage":{');
    const counted = await (
      await ask({ stream: true, stream_options: { include_usage: true } })
    ).text();
    expect(counted).toContain('"usage":{');
  });

  test.each([false, true])("tools that may be called, stream %s", async (stream) => {
    const response = await ask({ tools: [TOOL], tool_choice: "auto", stream });
    // A model without a tool template may be refused them, as the client's mistake.
    expect([200, 400]).toContain(response.status);
    if (response.status === 200) expect(await response.text()).toContain("finish_reason");
  });

  test("a tool that must be called", async () => {
    const tool_choice = { type: "function", function: { name: "weather" } };
    const response = await ask({ tools: [TOOL], tool_choice, max_tokens: 300 });
    expect([200, 400]).toContain(response.status);
    if (response.status !== 200 || kind !== "vllm") return;
    const call = { function: { name: "weather", arguments: expect.any(String) } };
    expect(await response.json()).toMatchObject({ choices: [{ message: { tool_calls: [call] } }] });
  });

  test("a client that leaves frees the engine within a second", async (context) => {
    context.skip(!hasMetrics(), "the engine tells no load");
    const left = new AbortController();
    const response = await ask({ max_tokens: 900, stream: true }, base, left.signal);
    await response.body?.getReader().read();
    expect((await load()).running).toBe(1);
    const leftMs = performance.now();
    left.abort();
    while ((await load()).running > 0 && performance.now() - leftMs < 10_000) await wait(20);
    const tookMs = performance.now() - leftMs;
    process.stdout.write(`abort: the engine's running count fell after ${tookMs.toFixed(0)} ms\n`);
    expect(tookMs).toBeLessThan(1_000);
  });

  test("the engine orders by the gateway's key: short ones overtake", async (context) => {
    context.skip(engineTraits(kind).priority === "none", "the engine takes no priority");
    const running = Array.from({ length: SEQUENCES }, () =>
      timed({ max_tokens: 400 }, crowdingBase),
    );
    while ((await load()).running < SEQUENCES) await wait(10);
    const long = [600, 601, 602].map((max_tokens) => timed({ max_tokens }, crowdingBase));
    while ((await load()).waiting < long.length) await wait(10);
    const short = [8, 9, 10].map((max_tokens) => timed({ max_tokens }, crowdingBase));
    await Promise.all(running);
    const shortMs = (await Promise.all(short)).map(({ firstMs }) => firstMs);
    const longMs = (await Promise.all(long)).map(({ firstMs }) => firstMs);
    expect(Math.max(...shortMs)).toBeLessThan(Math.min(...longMs));
  });

  test("more than it takes: all are served, and they wait in the gateway", async (context) => {
    const answers = Promise.all(Array.from({ length: 40 }, () => ask({ max_tokens: 32 })));
    let waiting = 0;
    for (let look = 0; look < 20 && hasMetrics(); look++) {
      waiting = Math.max(waiting, (await load()).waiting);
      await wait(20);
    }
    const statuses = (await answers).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([200]));
    if (!hasMetrics()) return context.skip("served; the engine tells no queue");
    expect(waiting).toBeLessThanOrEqual(engineTraits(kind).overCommit);
  });

  test("good again in under a second after it is back", async () => {
    await link.cut();
    await expect.poll(() => gateway.view().engines[0]?.state, { timeout: 10_000 }).toBe("dead");
    expect((await ask({})).status).toBe(503);
    await link.open();
    const backMs = performance.now();
    let status = 0;
    while (status !== 200 && performance.now() - backMs < 10_000) {
      const response = await ask({ max_tokens: 1 });
      ({ status } = response);
      await response.text();
      if (status !== 200) await wait(20);
    }
    const tookMs = performance.now() - backMs;
    process.stdout.write(`restart: served again after ${tookMs.toFixed(0)} ms\n`);
    expect(tookMs).toBeLessThan(1_000);
  });
});
