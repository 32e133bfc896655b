import Anthropic, {
  APIError,
  APIUserAbortError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  RateLimitError,
} from "@anthropic-ai/sdk";
import { afterEach, describe, expect, test } from "vitest";
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
  stream,
  usage,
} from "../gateway/scripted-engine.ts";

afterEach(closeBenches);

const asked = {
  model: "chimera",
  max_tokens: 64,
  messages: [{ role: "user" as const, content: "Say hello." }],
};

const tools: Anthropic.Tool[] = [{ name: "look", input_schema: { type: "object" } }];

function clientOf(bench: Bench, options: object = {}): Anthropic {
  const baseURL = bench.url.replace(/\/v1$/, "");
  return new Anthropic({ baseURL, apiKey: "client-key", ...options });
}

function choice(fields: object, reason: string | null = null): string {
  return event({ model: "up", choices: [{ index: 0, delta: fields, finish_reason: reason }] });
}

const CALLS = [
  choice({ content: "I look." }),
  choice({ tool_calls: [{ index: 0, id: "a", function: { name: "look", arguments: '{"at":' } }] }),
  choice({ tool_calls: [{ index: 0, function: { arguments: '"ž"}' } }] }),
  choice({ tool_calls: [{ index: 1, id: "b", function: { name: "look", arguments: "{}" } }] }),
  choice({}, "tool_calls"),
  usage(9, 8),
  DONE,
];

const USES = [
  { type: "text", text: "I look." },
  { type: "tool_use", id: "a", name: "look", input: { at: "ž" } },
  { type: "tool_use", id: "b", name: "look", input: {} },
];

describe("the client of the Anthropic API", () => {
  test("reads a message, its usage and the request's id", async () => {
    const bench = await startBench({ engines: { small: stream(...HELLO) } });
    const asking = clientOf(bench).messages.create(asked);
    const { data, response, request_id: requestId } = await asking.withResponse();
    expect(data.content).toEqual([{ type: "text", text: "Hello" }]);
    expect(data.usage).toMatchObject({ input_tokens: 7, output_tokens: 2 });
    expect(requestId).toBe(response.headers.get("x-request-id"));
  });

  test("reads a stream of it, and puts the same message together", async () => {
    const bench = await startBench({ engines: { small: stream(...HELLO) } });
    const texts: string[] = [];
    const streaming = clientOf(bench).messages.stream(asked);
    streaming.on("text", (text) => texts.push(text));
    const message = await streaming.finalMessage();
    expect(texts).toEqual(["Hel", "lo"]);
    expect(message).toMatchObject({
      content: [{ type: "text", text: "Hello" }],
      stop_reason: "end_turn",
      usage: { input_tokens: 7, output_tokens: 2 },
    });
  });

  test("reads tool uses, whole and streamed, and sends their results", async () => {
    const bench = await startBench({ engines: { small: stream(...CALLS) } });
    const client = clientOf(bench);
    const message = await client.messages.create({ ...asked, tools });
    expect(message).toMatchObject({ content: USES, stop_reason: "tool_use" });
    const streamed = await client.messages.stream({ ...asked, tools }).finalMessage();
    expect(streamed).toMatchObject({ content: USES, stop_reason: "tool_use" });
    await client.messages.create({
      ...asked,
      tools,
      messages: [
        ...asked.messages,
        { role: "assistant", content: message.content },
        {
          role: "user",
          content: [
            { type: "tool_result", tool_use_id: "a", content: "a cat" },
            { type: "tool_result", tool_use_id: "b", content: "a dog" },
          ],
        },
      ],
    });
    const roles = bench.engine("small").seen[2]?.body["messages"];
    expect(roles).toMatchObject([
      { role: "user" },
      { role: "assistant", tool_calls: [{ id: "a" }, { id: "b" }] },
      { role: "tool", content: "a cat" },
      { role: "tool", content: "a dog" },
    ]);
  });

  test("reads thoughts that it asked for", async () => {
    const events = [choice({ reasoning_content: "Hmm." }), delta("Yes"), finish(), DONE];
    const bench = await startBench({ engines: { small: stream(...events) } });
    const thinking = { type: "enabled" as const, budget_tokens: 1024 };
    const streaming = clientOf(bench).messages.stream({ ...asked, max_tokens: 2048, thinking });
    expect((await streaming.finalMessage()).content).toMatchObject([
      { type: "thinking", thinking: "Hmm." },
      { type: "text", text: "Yes" },
    ]);
  });

  test("sends images", async () => {
    const bench = await startBench({ engines: { small: stream(...HELLO) } });
    const source = { type: "base64" as const, media_type: "image/png" as const, data: "AAAA" };
    await clientOf(bench).messages.create({
      ...asked,
      messages: [{ role: "user", content: [{ type: "image", source }] }],
    });
    expect(bench.engine("small").seen[0]?.text).toContain("data:image/png;base64,AAAA");
  });

  test("counts tokens", async () => {
    const bench = await startBench({ engines: { small: nothing } });
    const { model, messages } = asked;
    const counted = await clientOf(bench).messages.countTokens({ model, messages });
    expect(counted.input_tokens).toBeGreaterThan(0);
  });

  test("raises each error as its own class, with its type and its request's id", async () => {
    const words = "This model's maximum context length is 1024 tokens.";
    const bench = await startBench({
      engines: { small: refuse(400, JSON.stringify({ error: { message: words } })) },
    });
    const client = clientOf(bench);
    const tooLong = await client.messages.create(asked).catch((error: unknown) => error);
    expect(tooLong).toBeInstanceOf(BadRequestError);
    expect(tooLong).toMatchObject({
      type: "invalid_request_error",
      message: expect.stringContaining(words),
      requestID: expect.stringMatching(/^[\w-]+$/),
    });
    const unknown = client.messages.create({ ...asked, model: "other" });
    await expect(unknown).rejects.toThrow(NotFoundError);
  });

  test("does not try again what the gateway has tried on its engines", async () => {
    const bench = await startBench({
      engines: { small: refuse(500, "{}") },
      limits: { attemptsMax: 2 },
    });
    await expect(clientOf(bench).messages.create(asked)).rejects.toThrow(InternalServerError);
    expect(bench.engine("small").seen.length).toBeLessThanOrEqual(2);
  });

  test("raises a full queue as a rate limit", async () => {
    const bench = await startBench({
      engines: { small: nothing },
      engine: { maxConcurrency: 1 },
      limits: { queueRequestsMax: 1 },
    });
    const client = clientOf(bench, { maxRetries: 0 });
    const controller = new AbortController();
    const { signal } = controller;
    const held = [1, 2].map(() => client.messages.create(asked, { signal }).catch(nothing));
    await until(() => bench.gateway.view().requests === 2);
    await expect(client.messages.create(asked)).rejects.toThrow(RateLimitError);
    controller.abort();
    await Promise.all(held);
  });

  test("raises an error in the middle of a stream", async () => {
    const bench = await startBench({ engines: { small: stream(delta("Hel")) } });
    const streaming = clientOf(bench).messages.stream(asked);
    await expect(streaming.finalMessage()).rejects.toThrow(APIError);
  });

  test("is not disturbed by signs of life", async () => {
    const bench = await startBench({
      engines: { small: nothing },
      limits: { statusHoldMs: 0, pingAfterMs: 100 },
    });
    const streaming = clientOf(bench).messages.stream(asked);
    const final = streaming.finalMessage();
    await new Promise<void>((resolve) => streaming.once("connect", resolve));
    void stream(...HELLO)(await bench.engine("small").arrived(1));
    expect((await final).content).toEqual([{ type: "text", text: "Hello" }]);
  });

  test("stops the engine when it aborts", async () => {
    const bench = await startBench({
      engines: {
        small: ({ response }) => {
          begin(response);
          response.write(delta("a"));
        },
      },
    });
    const streaming = clientOf(bench).messages.stream(asked);
    const final = expect(streaming.finalMessage()).rejects.toThrow(APIUserAbortError);
    await new Promise<void>((resolve) => streaming.once("text", () => resolve()));
    streaming.abort();
    await final;
    await bench.engine("small").seen[0]?.aborted;
  });

  test("is served 50 times at once", async () => {
    const bench = await startBench({
      engines: { "small-1": stream(...HELLO), "small-2": stream(...HELLO) },
    });
    const client = clientOf(bench);
    const all = Array.from({ length: 50 }, () => client.messages.stream(asked).finalMessage());
    for (const message of await Promise.all(all)) {
      expect(message.content).toEqual([{ type: "text", text: "Hello" }]);
    }
  });

  test("keeps its workflow by a session header", async () => {
    const bench = await startBench({ engines: { small: stream(...HELLO) } });
    const client = clientOf(bench, { defaultHeaders: { "x-session-id": "session-1" } });
    const { response } = await client.messages.create(asked).withResponse();
    expect(response.headers.get("x-chimera-workflow-id")).toBe("session-1");
  });
});
