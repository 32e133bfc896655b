import { afterEach, describe, expect, test } from "vitest";
import { chat, closeBenches, errorOf, startBench, streamed, until } from "./bench.ts";
import {
  begin,
  delta,
  DONE,
  drip,
  event,
  finish,
  HELLO,
  refuse,
  stream,
  usage,
} from "./scripted-engine.ts";

afterEach(closeBenches);

function completion(text: string, reason: string | null): string {
  const choices = [{ index: 0, text, finish_reason: reason }];
  return event({ id: "c", object: "text_completion", created: 1, model: "u", choices });
}

async function prioritySeen(kind: string): Promise<unknown> {
  const bench = await startBench({
    engines: { small: stream(...HELLO) },
    engine: { priority: kind, kind },
  });
  await (await chat(bench)).text();
  return bench.engine("small").seen[0]?.body["priority"];
}

const WITHOUT_USAGE = [delta("Hel"), delta("lo"), finish(), DONE].join("");

describe("a streamed answer", () => {
  test("has the engine's bytes, less the usage nobody asked for, and says where it came from", async () => {
    const bench = await startBench({ engines: { small: stream(...HELLO) } });
    const response = await streamed(bench, {
      headers: { "x-chimera-workflow-id": "flow-1", "x-request-id": "req-1" },
    });
    expect(await response.text()).toBe(WITHOUT_USAGE);
    expect(response.status).toBe(200);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "x-request-id": "req-1",
      "x-chimera-workflow-id": "flow-1",
      "x-chimera-model": "small",
      "x-chimera-engine": "small",
      "x-chimera-confidence": expect.stringMatching(/^[01]\.\d{3}$/),
      "x-chimera-predicted-tokens": expect.stringMatching(/^\d+$/),
      "x-chimera-queue-wait-ms": expect.stringMatching(/^\d+$/),
      "x-chimera-rule": "only-candidate",
      "x-chimera-attempts": "1",
      "x-chimera-prediction": "not-asked",
    });
    expect(response.headers.get("x-engine-secret")).toBeNull();
  });

  test("has the usage for a client that asked", async () => {
    const bench = await startBench({ engines: { small: stream(...HELLO) } });
    const body = { stream_options: { include_usage: true } };
    expect(await (await streamed(bench, { body })).text()).toBe(HELLO.join(""));
  });

  test("is whole however the engine cuts its bytes, multi-byte text, comments and CRLF included", async () => {
    const text = [
      ": keep alive\n\n",
      delta("žluťoučký 🐎").replaceAll("\n", "\r\n"),
      delta("二"),
      finish(),
    ].join("");
    const bench = await startBench({
      engines: { small: drip(text + usage(3, 2) + DONE, 7) },
    });
    expect(await (await streamed(bench)).text()).toBe(text + DONE);
  });

  test("gets its [DONE] where the engine sends none", async () => {
    const bench = await startBench({ engines: { small: stream(delta("a"), finish()) } });
    expect(await (await streamed(bench)).text()).toBe(delta("a") + finish() + DONE);
  });

  test("is held back by a client that reads slowly, not stored", async () => {
    const big = delta("x".repeat(64 * 1024));
    let written = 0;
    let blocked = false;
    const bench = await startBench({
      engines: {
        small: async ({ response }) => {
          begin(response);
          for (let index = 0; index < 1000; index++) {
            written++;
            if (response.write(big)) continue;
            blocked = true;
            await new Promise<void>((resolve) => response.once("drain", resolve));
          }
          response.end(finish() + DONE);
        },
      },
    });
    const response = await streamed(bench);
    await until(() => blocked);
    const reader = response.body?.getReader();
    let bytes = 0;
    let seenAtFirst = 0;
    for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) {
      if (seenAtFirst === 0) seenAtFirst = written;
      bytes += part.value.length;
    }
    expect(seenAtFirst).toBeLessThan(1000);
    expect(bytes).toBe(1000 * Buffer.byteLength(big) + Buffer.byteLength(finish() + DONE));
  });
});

describe("a whole answer", () => {
  test("is put together from the engine's stream", async () => {
    const bench = await startBench({ engines: { small: stream(...HELLO) } });
    const response = await chat(bench);
    expect(response.headers.get("x-chimera-engine")).toBe("small");
    expect(await response.json()).toMatchObject({
      object: "chat.completion",
      choices: [
        { index: 0, message: { role: "assistant", content: "Hello" }, finish_reason: "stop" },
      ],
      usage: { prompt_tokens: 7, completion_tokens: 2, total_tokens: 9 },
    });
    expect(bench.engine("small").seen[0]?.body).toMatchObject({
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  test("of the completions route has its text", async () => {
    const bench = await startBench({
      engines: { small: stream(completion("a", null), completion("b", "stop"), DONE) },
    });
    const response = await chat(bench, {
      path: "/completions",
      body: { messages: undefined, prompt: "p" },
    });
    expect(await response.json()).toMatchObject({
      object: "text_completion",
      choices: [{ text: "ab", finish_reason: "stop" }],
    });
    expect(bench.engine("small").seen[0]?.path).toBe("/v1/completions");
  });
});

describe("what an engine is sent", () => {
  test("is the client's body byte by byte, with the model, the stream and no priority of the client", async () => {
    const bench = await startBench({
      engines: { small: stream(...HELLO) },
      engine: { upstreamModel: "org/Small", apiKey: "engine-key" },
    });
    const text = `{ "model":"chimera", "priority": 3, "messages":[{"role":"user","content":"h\\u00e9"}], "temperature": 1.0, "my_field":{"deep":[1e2]} }`;
    const response = await fetch(`${bench.url}/chat/completions`, {
      method: "POST",
      headers: {
        "content-type": "application/json",
        authorization: "Bearer client-key",
        cookie: "a=b",
        origin: "http://evil.example",
        traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "x-chimera-playback-task": "t1",
        "x-session-id": "s1",
      },
      body: text,
    });
    expect(response.status).toBe(200);
    const seen = bench.engine("small").seen[0];
    expect(seen?.text).toContain(`"messages":[{"role":"user","content":"h\\u00e9"}]`);
    expect(seen?.text).toContain(`"temperature": 1.0`);
    expect(seen?.text).toContain(`"my_field":{"deep":[1e2]}`);
    expect(seen?.body).toMatchObject({ model: "org/Small", stream: true });
    expect(seen?.body).not.toHaveProperty("priority");
    expect(seen?.headers.authorization).toBe("Bearer engine-key");
    expect(seen?.headers).toMatchObject({
      "x-chimera-playback-task": "t1",
      "x-request-id": response.headers.get("x-request-id"),
      traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    });
    for (const name of ["cookie", "origin", "x-session-id"]) {
      expect(seen?.headers).not.toHaveProperty(name);
    }
  });

  test("has the priority in the engine's own terms where it is configured", async () => {
    const vllm = Number(await prioritySeen("vllm"));
    expect(Number.isInteger(vllm)).toBe(true);
    expect(Math.sign(Number(await prioritySeen("sglang")))).toBe(-Math.sign(vllm));
  });
});

describe("two requests with one id at once", () => {
  test("both are served, the later one under an id of its own", async () => {
    const bench = await startBench({ engines: { small: stream(...HELLO) } });
    const { script } = bench.engine("small");
    const held: (() => void)[] = [];
    bench.engine("small").script = (seen) => void held.push(() => void script(seen));
    const headers = { "x-request-id": "same" };
    const both = [streamed(bench, { headers }), streamed(bench, { headers })];
    await bench.engine("small").arrived(2);
    for (const go of held) go();
    const responses = await Promise.all(both);
    const ids = responses.map((response) => response.headers.get("x-request-id"));
    expect(ids.filter((id) => id === "same")).toHaveLength(1);
    expect(new Set(ids).size).toBe(2);
    for (const response of responses) expect(await response.text()).toBe(WITHOUT_USAGE);
  });
});

describe("an engine's refusal", () => {
  test("is passed on with its status and its own words, and costs no retry", async () => {
    const words = `{"error":{"message":"This model's maximum context length is 1024 tokens.","type":"BadRequestError","param":"input_tokens","code":400}}`;
    const bench = await startBench({
      engines: { "small-1": refuse(400, words), "small-2": refuse(400, words) },
    });
    const response = await chat(bench);
    expect(response.status).toBe(400);
    expect(await response.text()).toBe(words);
    expect(response.headers.get("x-chimera-attempts")).toBe("1");
  });

  test.each([
    [`{"error":"Unauthorised field"}`, "Unauthorised field"],
    [`{"detail":"Unexpected fields"}`, "Unexpected fields"],
    [`{"detail":[{"loc":["body"]}]}`, `[{"loc":["body"]}]`],
    ["plain words", "plain words"],
    ["", "The engine answered with status 422."],
  ])("%s is put into an error object", async (body, message) => {
    const bench = await startBench({ engines: { small: refuse(422, body) } });
    const response = await chat(bench);
    expect(response.status).toBe(422);
    expect((await errorOf(response)).message).toBe(message);
  });
});
