import OpenAI, { APIError, BadRequestError } from "openai";
import { afterEach, describe, expect, test } from "vitest";
import { type Bench, closeBenches, errorOf, leavingClient, startBench } from "./bench.ts";
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

function named(type: string, fields: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
}

const whole = {
  id: "resp_1",
  object: "response",
  created_at: 1,
  status: "completed",
  model: "up",
  output: [
    {
      id: "msg_1",
      type: "message",
      role: "assistant",
      status: "completed",
      content: [{ type: "output_text", text: "ahoj 🐎", annotations: [] }],
    },
  ],
  usage: { input_tokens: 5, output_tokens: 2, total_tokens: 7 },
};

const NATIVE: readonly string[] = [
  named("response.created", { response: { ...whole, status: "in_progress", output: [] } }),
  named("response.output_text.delta", { item_id: "msg_1", output_index: 0, delta: "ahoj " }),
  named("response.output_text.delta", { item_id: "msg_1", output_index: 0, delta: "🐎" }),
  named("response.completed", { response: whole }),
];

function ask(bench: Bench, more: object = {}, init: RequestInit = {}): Promise<Response> {
  return fetch(`${bench.url}/responses`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "chimera", input: "Say hello.", ...more }),
    ...init,
  });
}

function native(script: Script): Promise<Bench> {
  return startBench({ engines: { small: script }, engine: { kind: "vllm" } });
}

function translated(script: Script): Promise<Bench> {
  return startBench({ engines: { small: script }, engine: { kind: "tgi" } });
}

async function sentFor(more: object): Promise<Record<string, unknown>> {
  const bench = await translated(stream(...HELLO));
  expect((await ask(bench, more)).status).toBe(200);
  return bench.engine("small").seen[0]?.body ?? {};
}

function clientOf(bench: Bench): OpenAI {
  return new OpenAI({ baseURL: bench.url, apiKey: "k", maxRetries: 0 });
}

describe("where the engines have the API", () => {
  test("a stream passes as it is", async () => {
    const bench = await native(stream(...NATIVE));
    const response = await ask(bench, { stream: true, tools: [{ type: "web_search" }] });
    expect(response.headers.get("x-chimera-engine")).toBe("small");
    expect(await response.text()).toBe(NATIVE.join(""));
    const seen = bench.engine("small").seen[0];
    expect(seen?.path).toBe("/v1/responses");
    expect(seen?.body).toEqual({
      model: "small",
      input: "Say hello.",
      stream: true,
      tools: [{ type: "web_search" }],
    });
  });

  test("a stream is whole however the engine cuts its bytes", async () => {
    const bench = await native(drip(NATIVE.join(""), 7));
    expect(await (await ask(bench, { stream: true })).text()).toBe(NATIVE.join(""));
  });

  test("an answer as a whole is the response of the last event", async () => {
    const bench = await native(stream(...NATIVE));
    const response = await ask(bench);
    expect(await response.json()).toEqual(whole);
    expect(bench.engine("small").seen[0]?.body).toMatchObject({ stream: true });
    const requestId = response.headers.get("x-request-id");
    const trace = await fetch(`${bench.url}/chimera/decisions/${requestId}`);
    expect(await trace.json()).toMatchObject({ outcome: "completed", outputTokens: 2 });
  });

  test("a stream that breaks off ends with an error that the client raises", async () => {
    const bench = await native(stream(...NATIVE.slice(0, 2)));
    const chunks = await clientOf(bench).responses.create({
      model: "chimera",
      input: "a",
      stream: true,
    });
    const read = async (): Promise<void> => {
      for await (const _ of chunks) nothing();
    };
    await expect(read()).rejects.toThrow(APIError);
  });

  test("another engine is tried while the client has seen nothing", async () => {
    const bench = await startBench({
      engines: { "small-1": refuse(500, "{}"), "small-2": stream(...NATIVE) },
      engine: { kind: "vllm" },
    });
    for (const streams of [true, false]) {
      const response = await ask(bench, { stream: streams });
      expect(response.headers.get("x-chimera-engine")).toBe("small-2");
      expect(await response.text()).toContain("ahoj 🐎");
    }
  });

  test("a client that leaves stops the engine", async () => {
    const bench = await native(({ response }) => {
      begin(response);
      response.write(NATIVE[0] ?? "");
    });
    const { signal, leave } = leavingClient();
    const response = await ask(bench, { stream: true }, { signal });
    leave();
    await bench.engine("small").seen[0]?.aborted;
    await expect(response.text()).rejects.toThrow();
  });

  test("the configuration may say that one lacks it", async () => {
    const bench = await startBench({
      engines: { small: stream(...HELLO) },
      engine: { kind: "vllm", responses: false },
    });
    expect(await (await ask(bench)).json()).toMatchObject({ object: "response" });
    expect(bench.engine("small").seen[0]?.path).toBe("/v1/chat/completions");
  });
});

describe("where they lack it, a response made of a chat", () => {
  test("has the text, the usage and what was asked for", async () => {
    const bench = await translated(stream(...HELLO));
    const response = await ask(bench, { instructions: "Be kind.", max_output_tokens: 9 });
    const id = response.headers.get("x-request-id");
    expect(await response.json()).toMatchObject({
      id: `resp_${id}`,
      object: "response",
      created_at: 1,
      status: "completed",
      incomplete_details: null,
      instructions: "Be kind.",
      max_output_tokens: 9,
      model: "upstream",
      output: [
        {
          type: "message",
          role: "assistant",
          status: "completed",
          content: [{ type: "output_text", text: "Hello", annotations: [] }],
        },
      ],
      store: false,
      usage: {
        input_tokens: 7,
        input_tokens_details: { cached_tokens: 0 },
        output_tokens: 2,
        total_tokens: 9,
      },
    });
  });

  test("that was cut says so", async () => {
    const bench = await translated(stream(delta("a"), finish("length"), DONE));
    expect(await (await ask(bench)).json()).toMatchObject({
      status: "incomplete",
      incomplete_details: { reason: "max_output_tokens" },
    });
  });

  test("is streamed with the events of the API, numbered from 0", async () => {
    const bench = await translated(stream(...HELLO));
    const told = await namedEvents(await ask(bench, { stream: true }));
    expect(told.map(({ type }) => type)).toEqual([
      "response.created",
      "response.in_progress",
      "response.output_item.added",
      "response.content_part.added",
      "response.output_text.delta",
      "response.output_text.delta",
      "response.output_text.done",
      "response.content_part.done",
      "response.output_item.done",
      "response.completed",
    ]);
    expect(told.map((each) => each["sequence_number"])).toEqual([...told.keys()]);
    expect(told[4]).toMatchObject({ output_index: 0, content_index: 0, delta: "Hel" });
    expect(told[6]).toMatchObject({ text: "Hello" });
    expect(told.at(-1)).toMatchObject({
      response: { status: "completed", usage: { output_tokens: 2 } },
    });
  });

  test("has thoughts and calls as items of their own", async () => {
    const pieces = [
      { reasoning_content: "Hmm." },
      { tool_calls: [{ index: 0, id: "c1", function: { name: "look", arguments: '{"at"' } }] },
      { tool_calls: [{ index: 0, function: { arguments: ":1}" } }] },
      { tool_calls: [{ index: 1, id: "c2", function: { name: "look", arguments: "{}" } }] },
    ].map((fields) => event({ choices: [{ index: 0, delta: fields, finish_reason: null }] }));
    const bench = await translated(stream(...pieces, finish("tool_calls"), usage(3, 9), DONE));
    const tools = [
      { type: "function", name: "look", parameters: { type: "object" }, strict: true },
    ];
    const output = [
      { type: "reasoning", summary: [], content: [{ type: "reasoning_text", text: "Hmm." }] },
      { type: "function_call", call_id: "c1", name: "look", arguments: '{"at":1}' },
      { type: "function_call", call_id: "c2", name: "look", arguments: "{}" },
    ];
    expect(await (await ask(bench, { tools })).json()).toMatchObject({ output });
    const told = await namedEvents(await ask(bench, { tools, stream: true }));
    const ofCall = told.filter((each) => each["output_index"] === 1);
    expect(ofCall.map(({ type }) => type)).toEqual([
      "response.output_item.added",
      "response.function_call_arguments.delta",
      "response.function_call_arguments.delta",
      "response.function_call_arguments.done",
      "response.output_item.done",
    ]);
    expect(told.at(-1)).toMatchObject({ response: { output } });
    expect(bench.engine("small").seen[0]?.body["tools"]).toEqual([
      {
        type: "function",
        function: { name: "look", parameters: { type: "object" }, strict: true },
      },
    ]);
  });

  test("is read by the official client, streamed and whole", async () => {
    const bench = await translated(stream(...HELLO));
    const client = clientOf(bench);
    const created = await client.responses.create({ model: "chimera", input: "a" });
    expect(created.output_text).toBe("Hello");
    const streaming = client.responses.stream({ model: "chimera", input: "a" });
    const last = await streaming.finalResponse();
    expect(last.output_text).toBe("Hello");
  });

  test("keeps multi-byte text however the engine cuts its bytes", async () => {
    const bench = await translated(drip(delta("ahoj 🐎") + finish() + DONE, 3));
    const told = await namedEvents(await ask(bench, { stream: true }));
    expect(told[4]).toMatchObject({ delta: "ahoj 🐎" });
  });
});

describe("what a chat is asked instead", () => {
  test("has the items of the input as messages", async () => {
    const body = await sentFor({
      instructions: "Be kind.",
      input: [
        { role: "developer", content: "Be short." },
        {
          role: "user",
          content: [
            { type: "input_text", text: "What is it?" },
            { type: "input_image", image_url: "data:image/png;base64,AAAA", detail: "low" },
          ],
        },
        { type: "reasoning", summary: [], content: [{ type: "reasoning_text", text: "Hm." }] },
        {
          type: "message",
          role: "assistant",
          content: [{ type: "output_text", text: "I look.", annotations: [] }],
        },
        { type: "function_call", call_id: "c1", name: "look", arguments: "{}" },
        { type: "function_call", call_id: "c2", name: "look", arguments: '{"at":1}' },
        { type: "function_call_output", call_id: "c1", output: "a cat" },
        {
          type: "function_call_output",
          call_id: "c2",
          output: [{ type: "input_text", text: "a dog" }],
        },
      ],
    });
    expect(body["messages"]).toEqual([
      { role: "system", content: "Be kind." },
      { role: "system", content: "Be short." },
      {
        role: "user",
        content: [
          { type: "text", text: "What is it?" },
          { type: "image_url", image_url: { url: "data:image/png;base64,AAAA", detail: "low" } },
        ],
      },
      {
        role: "assistant",
        content: "I look.",
        reasoning_content: "Hm.",
        tool_calls: [
          { id: "c1", type: "function", function: { name: "look", arguments: "{}" } },
          { id: "c2", type: "function", function: { name: "look", arguments: '{"at":1}' } },
        ],
      },
      { role: "tool", tool_call_id: "c1", content: "a cat" },
      { role: "tool", tool_call_id: "c2", content: "a dog" },
    ]);
  });

  test("has the same settings", async () => {
    const body = await sentFor({
      max_output_tokens: 9,
      temperature: 0.5,
      parallel_tool_calls: false,
      reasoning: { effort: "low", summary: "auto" },
      text: { format: { type: "json_schema", name: "a", schema: { type: "object" } } },
      tools: [{ type: "function", name: "look", parameters: {} }],
      tool_choice: { type: "function", name: "look" },
      include: ["reasoning.encrypted_content"],
      store: false,
      metadata: { a: "b" },
      my_field: 1,
    });
    expect(body).toEqual({
      model: "small",
      messages: [{ role: "user", content: "Say hello." }],
      max_completion_tokens: 9,
      max_tokens: 9,
      temperature: 0.5,
      parallel_tool_calls: false,
      reasoning_effort: "low",
      response_format: {
        type: "json_schema",
        json_schema: { name: "a", schema: { type: "object" } },
      },
      tools: [{ type: "function", function: { name: "look", parameters: {} } }],
      tool_choice: { type: "function", function: { name: "look" } },
      my_field: 1,
      stream: true,
      stream_options: { include_usage: true },
    });
  });
});

describe("what is refused", () => {
  test.each([
    [{ previous_response_id: "resp_1" }, "previous_response_id"],
    [{ conversation: "conv_1" }, "conversation"],
    [{ prompt: { id: "p" } }, "prompt"],
    [{ background: true }, "background"],
    [{ input: [] }, "input"],
    [{ max_output_tokens: 1.5 }, "max_output_tokens"],
  ])("%j, of every engine", async (more, param) => {
    const bench = await native(stream(...NATIVE));
    const response = await ask(bench, more);
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatchObject({ code: "invalid_request", param });
    expect(bench.engine("small").seen).toHaveLength(0);
  });

  test.each([
    [{ tools: [{ type: "web_search" }] }, "tools[0].type"],
    [{ tools: [{ type: "function", name: "a" }], tool_choice: { type: "mcp" } }, "tool_choice"],
    [{ input: [{ type: "item_reference", id: "msg_1" }] }, "input[0].type"],
    [
      { input: [{ role: "user", content: [{ type: "input_file", file_id: "f" }] }] },
      "input[0].content[0].type",
    ],
    [{ top_logprobs: 3 }, "top_logprobs"],
    [{ text: { format: { type: "grammar" } } }, "text.format.type"],
  ])("%j, where a chat cannot say it", async (more, param) => {
    const bench = await translated(stream(...HELLO));
    await expect(
      clientOf(bench).post("/responses", {
        body: { model: "chimera", input: "a", ...more },
      }),
    ).rejects.toThrow(BadRequestError);
    const response = await ask(bench, more);
    expect(await errorOf(response)).toMatchObject({ code: "invalid_request", param });
    expect(bench.engine("small").seen).toHaveLength(0);
  });
});
