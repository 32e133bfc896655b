import { setMaxListeners } from "node:events";
import { afterAll, afterEach, describe, expect, test } from "vitest";
import { type Bench, closeBenches, startBench, until } from "../gateway/bench.ts";
import {
  begin,
  delta,
  DONE,
  event,
  finish,
  HELLO,
  nothing,
  refuse,
  type Script,
  stream,
  usage,
} from "../gateway/scripted-engine.ts";
import { agents } from "./agents.ts";
import { anthropicNode } from "./anthropic-node.ts";
import { ANSWER_SCHEMA, API_KEY, type Ask, type Client, type Target } from "./client.ts";
import { FEATURES, type Feature } from "./feature.ts";
import { langChain } from "./langchain.ts";
import { openAiNode } from "./openai-node.ts";
import { HAS_PYTHON, pythonClient } from "./python.ts";
import { vercelAi } from "./vercel-ai.ts";

const CLIENTS: readonly Client[] = [
  openAiNode,
  pythonClient("openai", {}),
  anthropicNode,
  pythonClient("anthropic", { n: "its API has one answer", logprobs: "not in its API" }),
  vercelAi,
  langChain,
  agents,
];

const IMAGE =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

afterEach(closeBenches);

function choice(index: number, fields: object, reason: string | null = null): string {
  return chunk({ index, delta: fields, finish_reason: reason });
}

/** With all that the API has in every chunk: one client passes over those without. */
function chunk(choice: object): string {
  const head = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model: "up" };
  return event({ ...head, choices: [choice] });
}

function call(fields: object): string {
  return choice(0, { tool_calls: [{ index: 0, ...fields }] });
}

/** As most engines begin. */
const ROLE = choice(0, { role: "assistant", content: "" });
const hello: Script = stream(ROLE, ...HELLO);

/** Calls the tool, and answers what the tool said. */
const looking: Script = (seen) => {
  const hasLooked = seen.text.includes("a cat");
  const look = { id: "call-1", type: "function", function: { name: "look", arguments: '{"at":' } };
  const rest = { function: { arguments: '"ž"}' } };
  const events = [ROLE, call(look), call(rest), choice(0, {}, "tool_calls"), usage(7, 2), DONE];
  return hasLooked ? hello(seen) : stream(...events)(seen);
};

const twice: Script = stream(
  ROLE,
  choice(1, { role: "assistant", content: "" }),
  choice(0, { content: "Hello" }),
  choice(1, { content: "Ahoj" }),
  choice(0, {}, "stop"),
  choice(1, {}, "stop"),
  usage(7, 2),
  DONE,
);

const counted: Script = stream(
  ROLE,
  chunk({
    index: 0,
    delta: { content: "Hello" },
    logprobs: { content: [{ token: "Hello", logprob: -0.5, bytes: null, top_logprobs: [] }] },
    finish_reason: null,
  }),
  finish(),
  usage(7, 2),
  DONE,
);

/** Begins a stream and goes no further. */
const half: Script = ({ response }) => {
  begin(response);
  response.write(ROLE + delta("Hel"));
};

function serving(script: Script): Promise<Bench> {
  return startBench({ engines: { small: script } });
}

type Claim = (client: Client) => Promise<void>;

async function expectAborts(client: Client, script: Script, streams: boolean): Promise<void> {
  const bench = await serving(script);
  const controller = new AbortController();
  const { signal } = controller;
  const asking = client
    .ask(bench, { streams, signal, onText: () => controller.abort() })
    .catch(nothing);
  const seen = await bench.engine("small").arrived(1);
  if (!streams) controller.abort();
  await seen.aborted;
  await asking;
}

async function expectError(client: Client, target: Target, status: number | null, ask: Ask = {}) {
  const failure: unknown = await client.ask(target, ask).then(
    (answer) => `answered ${JSON.stringify(answer)}`,
    (error: unknown) => error,
  );
  expect(client.isOwnError(failure, status), `${status}: ${String(failure)}`).toBe(true);
}

const CLAIMS: Readonly<Record<Feature, Claim>> = {
  "list of models": async (client) => {
    expect(await client.models(await serving(nothing))).toEqual(["chimera", "small"]);
  },
  chat: async (client) => {
    expect(await client.ask(await serving(hello), {})).toMatchObject({
      texts: ["Hello"],
    });
  },
  stream: async (client) => {
    const pieces: string[] = [];
    const onText = (text: string): void => void pieces.push(text);
    const bench = await serving(hello);
    expect(await client.ask(bench, { streams: true, onText })).toMatchObject({ texts: ["Hello"] });
    expect(pieces).toEqual(["Hel", "lo"]);
  },
  usage: async (client) => {
    const bench = await serving(hello);
    for (const streams of [false, true]) {
      const answer = await client.ask(bench, { streams });
      expect(answer.usage).toEqual({ input: 7, output: 2 });
    }
  },
  abort: async (client) => {
    await expectAborts(client, nothing, false);
    await expectAborts(client, half, true);
  },
  tools: async (client) => {
    const bench = await serving(looking);
    const { calls } = await client.ask(bench, { tool: true });
    expect(calls).toEqual([{ name: "look", input: { at: "ž" } }]);
    expect(bench.engine("small").seen[0]?.body["tools"]).toMatchObject([
      { function: { name: "look", parameters: { properties: { at: { type: "string" } } } } },
    ]);
  },
  "streamed tools": async (client) => {
    const { calls } = await client.ask(await serving(looking), { tool: true, streams: true });
    expect(calls).toEqual([{ name: "look", input: { at: "ž" } }]);
  },
  "JSON schema": async (client) => {
    const bench = await serving(stream(delta('{"city":'), delta('"Brno"}'), finish(), DONE));
    const { texts } = await client.ask(bench, { schema: true });
    expect(JSON.parse(texts[0] ?? "")).toEqual({ city: "Brno" });
    expect(bench.engine("small").seen[0]?.body["response_format"]).toMatchObject({
      type: "json_schema",
      json_schema: { schema: ANSWER_SCHEMA },
    });
  },
  images: async (client) => {
    const bench = await serving(hello);
    await client.ask(bench, { image: IMAGE });
    expect(bench.engine("small").seen[0]?.text).toContain(`data:image/png;base64,${IMAGE}`);
  },
  n: async (client) => {
    const bench = await serving(twice);
    const { texts } = await client.ask(bench, { choices: 2 });
    expect(texts).toEqual(["Hello", "Ahoj"]);
    expect(bench.engine("small").seen[0]?.body).toMatchObject({ n: 2 });
  },
  logprobs: async (client) => {
    const { logprobs } = await client.ask(await serving(counted), { logprobs: true });
    expect(logprobs).toEqual([-0.5]);
  },
  "errors as its own classes": async (client) => {
    const bench = await serving(refuse(400, `{"error":{"message":"no such thing"}}`));
    await expectError(client, bench, 400);
    await expectError(client, bench, 404, { model: "other" });
    bench.engine("small").script = half;
    const cut = expectError(client, bench, null, { streams: true });
    const { response } = await bench.engine("small").arrived(2);
    response.end();
    await cut;
    await expectBusy(client);
    const broken = await startBench({
      engines: { small: refuse(500, "{}") },
      limits: { attemptsMax: 1 },
    });
    await expectError(client, { url: broken.url, retries: 0 }, 502);
  },
  "retries not doubled": async (client) => {
    const bench = await startBench({
      engines: { small: refuse(500, "{}") },
      limits: { attemptsMax: 2 },
    });
    await expectError(client, bench, 502);
    expect(bench.engine("small").seen).toHaveLength(2);
  },
  "50 in parallel": async (client) => {
    const bench = await startBench({
      engines: { "small-1": hello, "small-2": hello },
    });
    const asked = Array.from({ length: 50 }, () => client.ask(bench, { streams: true }));
    for (const { texts } of await Promise.all(asked)) expect(texts).toEqual(["Hello"]);
  },
  "session headers": async (client) => {
    const bench = await serving(hello);
    const headers = { "x-session-id": "session-1", "x-request-id": "request-1" };
    await client.ask({ url: bench.url, headers }, {});
    const authorization = `Bearer ${API_KEY}`;
    const path = `${bench.url}/chimera/decisions/request-1`;
    const decision = await fetch(path, { headers: { authorization } });
    expect(await decision.json()).toMatchObject({ workflowId: "session-1" });
  },
};

async function expectBusy(client: Client): Promise<void> {
  const bench = await startBench({
    engines: { small: nothing },
    engine: { maxConcurrency: 1 },
    limits: { queueRequestsMax: 1 },
  });
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  const once = { url: bench.url, retries: 0 };
  const held = [1, 2].map(() => client.ask(once, { signal: controller.signal }).catch(nothing));
  await until(() => bench.gateway.view().requests === 2);
  await expectError(client, once, 429);
  controller.abort();
  await Promise.all(held);
}

const isHere = (client: Client): boolean => HAS_PYTHON || !client.name.includes("Python");
if (!HAS_PYTHON) process.stdout.write("without Python: test/clients/python/.venv is not there\n");
if (!HAS_PYTHON && process.env["CI"] !== undefined) throw new Error("CI makes the environment");

describe("matrix", () => {
  describe.each(CLIENTS.filter(isHere).map((client) => [client.name, client] as const))(
    "%s",
    (_name, client) => {
      afterAll(async () => client.close?.());

      for (const feature of FEATURES) {
        const lack = client.lacks[feature];
        if (lack === undefined) test(feature, () => CLAIMS[feature](client));
        else test.skip(`${feature}: ${lack}`, nothing);
      }
    },
  );
});
