import { afterEach, describe, expect, test } from "vitest";
import { type Bench, closeBenches, leavingClient, startBench } from "./bench.ts";
import { namedEvents } from "./named-events.ts";
import {
  begin,
  delta,
  DONE,
  drip,
  event,
  finish,
  HELLO,
  nothing,
  refuse,
  type Script,
  stream,
  usage,
} from "./scripted-engine.ts";

afterEach(closeBenches);

function choice(fields: object, reason: string | null = null, more: object = {}): string {
  const choices = [{ index: 0, delta: fields, finish_reason: reason, ...more }];
  return event({ id: "c", object: "chat.completion.chunk", created: 1, model: "up", choices });
}

function call(index: number, fields: object, made: object): string {
  return choice({ tool_calls: [{ index, ...fields, function: made }] });
}

function ask(bench: Bench, more: object = {}, init: RequestInit = {}): Promise<Response> {
  return fetch(`${bench.url}/messages`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-key": "k" },
    body: JSON.stringify({
      model: "chimera",
      max_tokens: 64,
      messages: [{ role: "user", content: "Say hello." }],
      ...more,
    }),
    ...init,
  });
}

async function sentFor(more: object): Promise<Record<string, unknown>> {
  const bench = await startBench({ engines: { small: stream(...HELLO) } });
  const response = await ask(bench, more);
  expect(await response.json()).toMatchObject({ type: "message" });
  return bench.engine("small").seen[0]?.body ?? {};
}

async function answerTo(more: object, ...events: string[]): Promise<unknown> {
  const bench = await startBench({ engines: { small: stream(...events) } });
  return (await ask(bench, more)).json();
}

const TOOL = { name: "look", description: "Looks.", input_schema: { type: "object" } };

const CALLS = [
  choice({ role: "assistant", content: "I look." }),
  call(0, { id: "call_a", type: "function" }, { name: "look", arguments: "" }),
  call(0, {}, { arguments: '{"at":' }),
  call(0, {}, { arguments: '"ž"}' }),
  call(1, { id: "call_b", type: "function" }, { name: "look", arguments: '{"at":2}' }),
  choice({}, "tool_calls"),
  usage(9, 8),
  DONE,
];

describe("a message as a whole", () => {
  test("is made of the engine's stream", async () => {
    const bench = await startBench({ engines: { small: stream(...HELLO) } });
    const response = await ask(bench);
    expect(response.status).toBe(200);
    expect(response.headers.get("x-chimera-engine")).toBe("small");
    const requestId = response.headers.get("request-id");
    expect(requestId).toBe(response.headers.get("x-request-id"));
    expect(await response.json()).toEqual({
      id: `msg_${requestId}`,
      type: "message",
      role: "assistant",
      model: "upstream",
      content: [{ type: "text", text: "Hello" }],
      stop_reason: "end_turn",
      stop_sequence: null,
      usage: {
        input_tokens: 7,
        cache_creation_input_tokens: 0,
        cache_read_input_tokens: 0,
        output_tokens: 2,
      },
    });
  });

  test("counts cached tokens apart from the input's", async () => {
    const counted = event({
      choices: [],
      usage: {
        prompt_tokens: 100,
        completion_tokens: 1,
        prompt_tokens_details: { cached_tokens: 64 },
      },
    });
    expect(await answerTo({}, delta("a"), finish(), counted, DONE)).toMatchObject({
      usage: { input_tokens: 36, cache_read_input_tokens: 64, output_tokens: 1 },
    });
  });

  test("has its calls as tool uses, with the engine's ids", async () => {
    expect(await answerTo({ tools: [TOOL] }, ...CALLS)).toMatchObject({
      content: [
        { type: "text", text: "I look." },
        { type: "tool_use", id: "call_a", name: "look", input: { at: "ž" } },
        { type: "tool_use", id: "call_b", name: "look", input: { at: 2 } },
      ],
      stop_reason: "tool_use",
    });
  });

  test("keeps the words of a call that was cut off", async () => {
    const cut = call(0, { id: "call_a" }, { name: "look", arguments: '{"at":' });
    expect(await answerTo({ tools: [TOOL] }, cut, choice({}, "length"), DONE)).toMatchObject({
      content: [{ type: "tool_use", input: { _unparsed: '{"at":' } }],
      stop_reason: "max_tokens",
    });
  });

  test.each([
    ["stop", {}, "end_turn", null],
    ["stop", { stop_reason: "END" }, "stop_sequence", "END"],
    ["stop", { stop_reason: 151645 }, "end_turn", null],
    ["length", {}, "max_tokens", null],
    ["content_filter", {}, "refusal", null],
  ])("that ended by %s %j says %s", async (reason, more, stopReason, stopSequence) => {
    const answer = await answerTo({}, delta("a"), choice({}, reason, more), DONE);
    expect(answer).toMatchObject({ stop_reason: stopReason, stop_sequence: stopSequence });
  });
});

test("the session that a product hides in the metadata is the workflow", async () => {
  const bench = await startBench({ engines: { small: stream(...HELLO) } });
  const session = "0f6dd3a5-1c1b-4d7a-9b58-2f4e1c7b9a10";
  const metadata = { user_id: `user_1_account__session_${session}` };
  const response = await ask(bench, { metadata });
  expect(response.headers.get("x-chimera-workflow-id")).toContain(session);
  expect(bench.engine("small").seen[0]?.text).not.toContain(session);
});

describe("thoughts", () => {
  const thoughts = [
    choice({ reasoning_content: "Hm" }),
    choice({ reasoning: "m." }),
    delta("Yes"),
    finish(),
    DONE,
  ];

  test("come as a block where the client asked for them", async () => {
    const thinking = { type: "enabled", budget_tokens: 1024 };
    expect(await answerTo({ thinking }, ...thoughts)).toMatchObject({
      content: [
        { type: "thinking", thinking: "Hmm.", signature: "" },
        { type: "text", text: "Yes" },
      ],
    });
  });

  test("are left out where it did not", async () => {
    expect(await answerTo({}, ...thoughts)).toMatchObject({
      content: [{ type: "text", text: "Yes" }],
    });
  });

  test("are streamed as their own block", async () => {
    const bench = await startBench({ engines: { small: stream(...thoughts) } });
    const told = await namedEvents(
      await ask(bench, { stream: true, thinking: { type: "adaptive" } }),
    );
    expect(told.filter(({ type }) => type.startsWith("content"))).toEqual([
      {
        type: "content_block_start",
        index: 0,
        content_block: { type: "thinking", thinking: "", signature: "" },
      },
      {
        type: "content_block_delta",
        index: 0,
        delta: { type: "thinking_delta", thinking: "Hm" },
      },
      {
        type: "content_block_delta",
        index: 0,
        delta: { type: "thinking_delta", thinking: "m." },
      },
      { type: "content_block_stop", index: 0 },
      { type: "content_block_start", index: 1, content_block: { type: "text", text: "" } },
      { type: "content_block_delta", index: 1, delta: { type: "text_delta", text: "Yes" } },
      { type: "content_block_stop", index: 1 },
    ]);
  });
});

describe("a streamed message", () => {
  test("has the events of the API, in their order", async () => {
    const bench = await startBench({ engines: { small: stream(...HELLO) } });
    const response = await ask(bench, { stream: true });
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    const id = `msg_${response.headers.get("request-id")}`;
    expect(await namedEvents(response)).toEqual([
      {
        type: "message_start",
        message: {
          id,
          type: "message",
          role: "assistant",
          model: "upstream",
          content: [],
          stop_reason: null,
          stop_sequence: null,
          usage: {
            input_tokens: 0,
            cache_creation_input_tokens: 0,
            cache_read_input_tokens: 0,
            output_tokens: 0,
          },
        },
      },
      { type: "content_block_start", index: 0, content_block: { type: "text", text: "" } },
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "Hel" } },
      { type: "content_block_delta", index: 0, delta: { type: "text_delta", text: "lo" } },
      { type: "content_block_stop", index: 0 },
      {
        type: "message_delta",
        delta: { stop_reason: "end_turn", stop_sequence: null },
        usage: {
          input_tokens: 7,
          cache_creation_input_tokens: 0,
          cache_read_input_tokens: 0,
          output_tokens: 2,
        },
      },
      { type: "message_stop" },
    ]);
  });

  test("streams the arguments of each call", async () => {
    const bench = await startBench({ engines: { small: stream(...CALLS) } });
    const told = await namedEvents(await ask(bench, { stream: true, tools: [TOOL] }));
    const ofCalls = told.filter(({ index }) => index === 1 || index === 2);
    expect(ofCalls).toEqual([
      {
        type: "content_block_start",
        index: 1,
        content_block: { type: "tool_use", id: "call_a", name: "look", input: {} },
      },
      {
        type: "content_block_delta",
        index: 1,
        delta: { type: "input_json_delta", partial_json: '{"at":' },
      },
      {
        type: "content_block_delta",
        index: 1,
        delta: { type: "input_json_delta", partial_json: '"ž"}' },
      },
      { type: "content_block_stop", index: 1 },
      {
        type: "content_block_start",
        index: 2,
        content_block: { type: "tool_use", id: "call_b", name: "look", input: {} },
      },
      {
        type: "content_block_delta",
        index: 2,
        delta: { type: "input_json_delta", partial_json: '{"at":2}' },
      },
      { type: "content_block_stop", index: 2 },
    ]);
    expect(told.at(-2)).toMatchObject({ delta: { stop_reason: "tool_use" } });
  });

  test("keeps multi-byte text however the engine cuts its bytes", async () => {
    const text = "žluťoučký 🐎 二";
    const whole = delta(text) + finish() + usage(1, 1) + DONE;
    const bench = await startBench({ engines: { small: drip(whole, 5) } });
    const told = await namedEvents(await ask(bench, { stream: true }));
    expect(told[2]).toMatchObject({ delta: { type: "text_delta", text } });
    expect(told.at(-1)).toEqual({ type: "message_stop" });
  });

  test("is sent proper ping events while it waits, and its first event after them", async () => {
    const bench = await startBench({
      engines: { small: nothing },
      limits: { statusHoldMs: 0, pingAfterMs: 100 },
    });
    const response = await ask(bench, { stream: true });
    void stream(...HELLO)(await bench.engine("small").arrived(1));
    const types = (await namedEvents(response)).map(({ type }) => type);
    expect(types[0]).toBe("ping");
    expect(types.filter((type) => type !== "ping")[0]).toBe("message_start");
    expect(types.at(-1)).toBe("message_stop");
  });

  test("that the engine breaks off ends with an error event and no message_stop", async () => {
    const bench = await startBench({ engines: { small: stream(delta("Hel")) } });
    const told = await namedEvents(await ask(bench, { stream: true }));
    expect(told.at(-1)).toEqual({
      type: "error",
      error: { type: "api_error", message: expect.stringContaining("before it was complete") },
    });
    expect(told.map(({ type }) => type)).not.toContain("message_stop");
  });

  test("is tried on another engine while the client has seen nothing", async () => {
    const bench = await startBench({
      engines: { "small-1": refuse(500, "{}"), "small-2": refuse(500, "{}") },
    });
    const [first, second] = ["small-1", "small-2"].map((name) => bench.engine(name));
    const good = stream(...HELLO);
    if (first === undefined || second === undefined) throw new Error("unreachable");
    const once: Script = (seen) => {
      first.script = good;
      second.script = good;
      void refuse(500, "{}")(seen);
    };
    first.script = once;
    second.script = once;
    const response = await ask(bench, { stream: true });
    expect(response.headers.get("x-chimera-attempts")).toBe("2");
    expect((await namedEvents(response)).map(({ type }) => type)).toEqual([
      "message_start",
      "content_block_start",
      "content_block_delta",
      "content_block_delta",
      "content_block_stop",
      "message_delta",
      "message_stop",
    ]);
  });

  test("whose client leaves is stopped at the engine", async () => {
    const bench = await startBench({
      engines: { small: ({ response }) => void (begin(response), response.write(delta("a"))) },
    });
    const { signal, leave } = leavingClient();
    const response = await ask(bench, { stream: true }, { signal });
    expect(response.status).toBe(200);
    leave();
    await bench.engine("small").seen[0]?.aborted;
    await expect(response.text()).rejects.toThrow();
  });
});

describe("what the engine is asked", () => {
  test("is a chat completion with the same settings", async () => {
    const body = await sentFor({
      system: [{ type: "text", text: "Be kind.", cache_control: { type: "ephemeral" } }],
      temperature: 0.5,
      top_p: 0.9,
      top_k: 5,
      stop_sequences: ["END"],
      metadata: { user_id: "u" },
      chat_template_kwargs: { enable_thinking: false },
      output_config: { effort: "low", format: { type: "json_schema", schema: { type: "object" } } },
    });
    expect(body).toEqual({
      model: "small",
      messages: [
        { role: "system", content: "Be kind." },
        { role: "user", content: "Say hello." },
      ],
      max_completion_tokens: 64,
      stop: ["END"],
      temperature: 0.5,
      top_p: 0.9,
      top_k: 5,
      chat_template_kwargs: { enable_thinking: false },
      reasoning_effort: "low",
      response_format: {
        type: "json_schema",
        json_schema: { name: "answer", schema: { type: "object" }, strict: true },
      },
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  test.each([
    [{ type: "auto" }, { tool_choice: "auto" }],
    [{ type: "none" }, { tool_choice: "none" }],
    [
      { type: "any", disable_parallel_tool_use: true },
      { tool_choice: "required", parallel_tool_calls: false },
    ],
    [
      { type: "tool", name: "look" },
      { tool_choice: { type: "function", function: { name: "look" } } },
    ],
  ])("has the tools, and the choice of them: %j", async (choice, expected) => {
    const body = await sentFor({ tools: [TOOL], tool_choice: choice });
    expect(body).toMatchObject({
      tools: [
        {
          type: "function",
          function: { name: "look", description: "Looks.", parameters: { type: "object" } },
        },
      ],
      ...expected,
    });
  });

  test("has calls, their results and images where a chat wants them", async () => {
    const data = { type: "base64", media_type: "image/png", data: "AAAA" };
    const body = await sentFor({
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "What" },
            { type: "text", text: "is it?" },
          ],
        },
        {
          role: "assistant",
          content: [
            { type: "thinking", thinking: "I must look.", signature: "s" },
            { type: "text", text: "Looking." },
            { type: "tool_use", id: "t1", name: "look", input: { at: 1 } },
            { type: "tool_use", id: "t2", name: "look", input: {} },
          ],
        },
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id: "t1", content: "a cat" },
            {
              type: "tool_result",
              tool_use_id: "t2",
              content: [
                { type: "text", text: "see" },
                { type: "image", source: data },
              ],
            },
            { type: "text", text: "So?" },
            { type: "image", source: { type: "url", url: "https://example.org/a.png" } },
          ],
        },
      ],
    });
    const picture = { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } };
    expect(body["messages"]).toEqual([
      { role: "user", content: "What\nis it?" },
      {
        role: "assistant",
        content: "Looking.",
        reasoning_content: "I must look.",
        tool_calls: [
          { id: "t1", type: "function", function: { name: "look", arguments: '{"at":1}' } },
          { id: "t2", type: "function", function: { name: "look", arguments: "{}" } },
        ],
      },
      { role: "tool", tool_call_id: "t1", content: "a cat" },
      { role: "tool", tool_call_id: "t2", content: "see" },
      {
        role: "user",
        content: [
          picture,
          { type: "text", text: "So?" },
          { type: "image_url", image_url: { url: "https://example.org/a.png" } },
        ],
      },
    ]);
  });
});

describe("errors", () => {
  test.each([
    [{ max_tokens: undefined }, 400, "max_tokens"],
    [{ messages: [] }, 400, "messages"],
    [
      { messages: [{ role: "user", content: [{ type: "audio" }] }] },
      400,
      "messages[0].content[0].type",
    ],
    [{ tools: [{ type: "web_search_20250305", name: "web_search" }] }, 400, "tools[0].type"],
    [{ mcp_servers: [{ url: "https://example.org" }] }, 400, "mcp_servers"],
    [{ model: "other" }, 404, "other"],
  ])("%j is refused in the API's own shape", async (more, status, words) => {
    const bench = await startBench({ engines: { small: stream(...HELLO) } });
    const response = await ask(bench, more);
    expect(response.status).toBe(status);
    expect(response.headers.get("request-id")).toMatch(/^[\w-]+$/);
    expect(await response.json()).toEqual({
      type: "error",
      error: {
        type: status === 404 ? "not_found_error" : "invalid_request_error",
        message: expect.stringContaining(words),
      },
    });
    expect(bench.engine("small").seen).toHaveLength(0);
  });

  test("of a body too deep to be written again are the client's", async () => {
    const bench = await startBench({ engines: { small: stream(...HELLO) } });
    const deep = "[".repeat(50_000) + "]".repeat(50_000);
    const use = `{"type":"tool_use","id":"t","name":"look","input":{"at":${deep}}}`;
    const body = `{"model":"chimera","max_tokens":1,"messages":[{"role":"assistant","content":[${use}]}]}`;
    const response = await ask(bench, {}, { body });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { type: "invalid_request_error" } });
  });

  test("of the engine's own keep their words and their status", async () => {
    const words = "This model's maximum context length is 1024 tokens.";
    const refusal = refuse(400, JSON.stringify({ error: { message: words, code: 400 } }));
    const bench = await startBench({ engines: { small: refusal } });
    for (const streams of [true, false]) {
      const response = await ask(bench, { stream: streams });
      expect(response.status).toBe(400);
      expect(await response.json()).toEqual({
        type: "error",
        error: { type: "invalid_request_error", message: words },
      });
    }
  });

  test("tell the libraries not to try again in vain", async () => {
    const bench = await startBench({
      engines: { small: refuse(500, "{}") },
      limits: { attemptsMax: 1 },
    });
    const response = await ask(bench);
    expect(response.status).toBe(502);
    expect(response.headers.get("x-should-retry")).toBe("false");
    expect(await response.json()).toMatchObject({ type: "error", error: { type: "api_error" } });
  });

  test("of a wrong method have the shape too", async () => {
    const bench = await startBench({ engines: { small: stream(...HELLO) } });
    const response = await fetch(`${bench.url}/messages`);
    expect(response.status).toBe(405);
    expect(await response.json()).toMatchObject({
      type: "error",
      error: { type: "invalid_request_error" },
    });
  });
});

function count(bench: Bench, body: object): Promise<Response> {
  return fetch(`${bench.url}/messages/count_tokens`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

describe("count_tokens", () => {
  test("is an estimate, says so, and grows with the prompt", async () => {
    const bench = await startBench({ engines: { small: stream(...HELLO) } });
    const messages = [{ role: "user", content: "Say hello to all of them." }];
    const short = await count(bench, { model: "chimera", messages });
    expect(short.status).toBe(200);
    expect(short.headers.get("x-chimera-token-count")).toBe("estimate");
    const { input_tokens: few }: { input_tokens: number } = JSON.parse(await short.text());
    const long = await count(bench, {
      model: "small",
      messages,
      system: "You are kind.",
      tools: [TOOL],
    });
    const { input_tokens: more }: { input_tokens: number } = JSON.parse(await long.text());
    expect(few).toBeGreaterThan(5);
    expect(more).toBeGreaterThan(few);
    expect(bench.engine("small").seen).toHaveLength(0);
  });

  test.each([
    [{ model: "other", messages: [{ role: "user", content: "a" }] }, 404, "not_found_error"],
    [{ model: "small", messages: [] }, 400, "invalid_request_error"],
    [[], 400, "invalid_request_error"],
  ])("refuses %j in the API's own shape", async (body, status, type) => {
    const bench = await startBench({ engines: { small: stream(...HELLO) } });
    const response = await count(bench, body);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ type: "error", error: { type } });
  });
});
