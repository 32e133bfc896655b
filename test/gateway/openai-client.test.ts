import OpenAI, {
  APIError,
  APIUserAbortError,
  BadRequestError,
  InternalServerError,
  NotFoundError,
  RateLimitError,
} from "openai";
import { afterEach, describe, expect, test } from "vitest";
import { type Bench, closeBenches, leavingClient, startBench, streamed, until } from "./bench.ts";
import {
  begin,
  delta,
  DONE,
  event,
  finish,
  HELLO,
  refuse,
  type Script,
  stream,
} from "./scripted-engine.ts";

afterEach(closeBenches);

const messages = [{ role: "user", content: "Say hello." }] as const;

const tools: OpenAI.ChatCompletionTool[] = [
  {
    type: "function",
    function: { name: "look", parameters: { type: "object", properties: { at: {} } } },
  },
];

function clientOf(bench: Bench): OpenAI {
  return new OpenAI({ baseURL: bench.url, apiKey: "client-key" });
}

function ask(client: OpenAI, more: object = {}) {
  return client.chat.completions.create({ model: "chimera", messages: [...messages], ...more });
}

function askStream(client: OpenAI, more: object = {}) {
  return client.chat.completions.create({
    model: "chimera",
    messages: [...messages],
    stream: true,
    ...more,
  });
}

async function contentOf(chunks: AsyncIterable<OpenAI.ChatCompletionChunk>): Promise<string> {
  let content = "";
  for await (const chunk of chunks) content += chunk.choices[0]?.delta.content ?? "";
  return content;
}

function call(part: object, more: object = {}): string {
  const delta = { ...more, tool_calls: [{ index: 0, ...part }] };
  return event({
    id: "c",
    object: "chat.completion.chunk",
    created: 1,
    model: "u",
    choices: [{ index: 0, delta, finish_reason: null }],
  });
}

describe("the official client", () => {
  test("chats, and reads the request id", async () => {
    const bench = await startBench({ engines: { small: stream(...HELLO) } });
    const answer = await ask(clientOf(bench));
    expect(answer.choices[0]?.message.content).toBe("Hello");
    expect(answer.usage).toMatchObject({ prompt_tokens: 7, completion_tokens: 2 });
    expect(answer._request_id).toMatch(/./);
  });

  test("streams, with usage only where it asks for it", async () => {
    const bench = await startBench({ engines: { small: stream(...HELLO) } });
    expect(await contentOf(await askStream(clientOf(bench)))).toBe("Hello");
    const usages: unknown[] = [];
    const asked = await askStream(clientOf(bench), { stream_options: { include_usage: true } });
    for await (const chunk of asked) if (chunk.usage) usages.push(chunk.usage.total_tokens);
    expect(usages).toEqual([9]);
    for await (const chunk of await askStream(clientOf(bench)))
      expect(chunk.usage ?? null).toBeNull();
  });

  test("has its tools passed through, and the calls, streamed or not", async () => {
    const script = stream(
      call(
        { id: "call_1", type: "function", function: { name: "look", arguments: "" } },
        { role: "assistant" },
      ),
      call({ function: { arguments: `{"at":` } }),
      call({ function: { arguments: `"sky"}` } }),
      finish("tool_calls"),
      DONE,
    );
    const bench = await startBench({ engines: { small: script } });
    const answer = await ask(clientOf(bench), { tools, tool_choice: "auto" });
    expect(answer.choices[0]).toMatchObject({
      finish_reason: "tool_calls",
      message: {
        tool_calls: [{ id: "call_1", function: { name: "look", arguments: `{"at":"sky"}` } }],
      },
    });
    expect(bench.engine("small").seen[0]?.body).toMatchObject({ tools, tool_choice: "auto" });
    const runner = clientOf(bench).chat.completions.stream({
      model: "chimera",
      messages: [...messages],
      tools,
    });
    const final = await runner.finalChatCompletion();
    expect(final.choices[0]?.message.tool_calls?.[0]).toMatchObject({
      function: { name: "look", arguments: `{"at":"sky"}` },
    });
  });

  test("has unknown fields passed through", async () => {
    const bench = await startBench({ engines: { small: stream(...HELLO) } });
    await ask(clientOf(bench), { chat_template_kwargs: { thinking: true } });
    expect(bench.engine("small").seen[0]?.body).toMatchObject({
      chat_template_kwargs: { thinking: true },
    });
  });

  test("lists models and completes prompts", async () => {
    const text = event({
      id: "c",
      object: "text_completion",
      created: 1,
      model: "u",
      choices: [{ index: 0, text: "ok", finish_reason: "stop" }],
    });
    const bench = await startBench({ engines: { small: stream(text, DONE) } });
    const ids: string[] = [];
    for await (const model of clientOf(bench).models.list()) ids.push(model.id);
    expect(ids).toEqual(["chimera", "small"]);
    const done = await clientOf(bench).completions.create({ model: "small", prompt: "say" });
    expect(done.choices[0]?.text).toBe("ok");
  });

  test("aborts, and the engine is told", async () => {
    const bench = await startBench({
      engines: {
        small: ({ response }) => {
          begin(response);
          response.write(delta("a"));
        },
      },
    });
    const chunks = await askStream(clientOf(bench));
    for await (const chunk of chunks) {
      expect(chunk.choices[0]?.delta.content).toBe("a");
      chunks.controller.abort();
    }
    await bench.engine("small").seen[0]?.aborted;
    const controller = new AbortController();
    bench.engine("small").script = () => controller.abort();
    const waiting = clientOf(bench).chat.completions.create(
      { model: "chimera", messages: [...messages] },
      { signal: controller.signal },
    );
    await expect(waiting).rejects.toBeInstanceOf(APIUserAbortError);
    await bench.engine("small").seen[1]?.aborted;
    await until(() => bench.gateway.view().requests === 0);
  });
});

describe("errors come as the client's own classes, and are not tried again in vain", () => {
  const tooLong = `{"error":{"message":"maximum context length","type":"BadRequestError","param":"input_tokens","code":400}}`;
  test.each<[string, Script, object, new (...args: never[]) => Error, string | null]>([
    ["the engine's 400", refuse(400, tooLong), {}, BadRequestError, null],
    ["an unknown model", stream(...HELLO), { model: "none" }, NotFoundError, "model_not_found"],
    ["a broken engine", refuse(500, "x"), {}, InternalServerError, "engine_failed"],
  ])("%s", async (_name, script, more, kind, code) => {
    const bench = await startBench({ engines: { small: script }, limits: { attemptsMax: 1 } });
    const failure: unknown = await ask(clientOf(bench), more).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(kind);
    if (code !== null) expect(failure).toMatchObject({ code });
    expect(bench.engine("small").seen.length).toBeLessThanOrEqual(1);
  });

  test("a full queue", async () => {
    const bench = await startBench({
      engines: { small: () => {} },
      engine: { maxConcurrency: 1 },
      limits: { queueRequestsMax: 1 },
    });
    const { signal, leave } = leavingClient();
    const held = [1, 2].map(() => streamed(bench, { signal }));
    await until(() => bench.gateway.view().requests === 2);
    const once = new OpenAI({ baseURL: bench.url, apiKey: "k", maxRetries: 0 });
    await expect(ask(once)).rejects.toBeInstanceOf(RateLimitError);
    leave();
    await Promise.allSettled(held);
  });

  test("a stream that breaks in the middle", async () => {
    const bench = await startBench({
      engines: {
        small: ({ response }) => {
          begin(response);
          response.write(delta("half"), () => response.destroy());
        },
      },
    });
    const failure: unknown = await contentOf(await askStream(clientOf(bench))).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(APIError);
    expect(String(failure)).toContain("failed");
  });
});
