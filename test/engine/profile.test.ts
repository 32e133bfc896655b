import { createServer, type RequestListener, type Server } from "node:http";
import { afterEach, describe, expect, test } from "vitest";
import { EngineClient } from "../../src/engine/client.ts";
import { identifyEngine } from "../../src/engine/identity.ts";
import { profileEngine, type ProfileOptions } from "../../src/engine/profile.ts";

const OPTIONS: ProfileOptions = {
  sequencesMax: 4,
  outputTokens: 8,
  repeats: 2,
  tokensMax: 100_000,
  timeMsMax: 60_000,
  signal: null,
  nonce: "test",
  onProgress: () => {},
};

const open: { server: Server; client: EngineClient }[] = [];

afterEach(async () => {
  for (const { server, client } of open.splice(0)) {
    await client.destroy();
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function engineThat(answers: RequestListener): Promise<EngineClient> {
  const server = createServer(answers);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const client = new EngineClient({
    name: "measured",
    url: `http://127.0.0.1:${port}/v1`,
    kind: "vllm",
    upstreamModel: "tiny",
    apiKey: null,
    headers: {},
    priority: "none",
    timeouts: { connectMs: 2_000, headersMs: 30_000, idleMs: 30_000, totalMs: 60_000 },
  });
  open.push({ server, client });
  return client;
}

interface Asked {
  readonly max_tokens: number;
  readonly messages: readonly { readonly content: string }[];
  readonly ignore_eos?: boolean;
}

/** A model list for `GET`; a chat completion of the asked length, one token a word. */
function completing(seen: Asked[], tellsUsage = true): RequestListener {
  return (request, response) => {
    if (request.method === "GET") {
      response.setHeader("content-type", "application/json");
      const data = [{ id: "tiny", owned_by: "vllm", max_model_len: 512 }];
      return void response.end(JSON.stringify({ data }));
    }
    let text = "";
    request.on("data", (part: Buffer) => (text += part.toString()));
    request.on("end", () => {
      const asked: Asked = JSON.parse(text);
      seen.push(asked);
      response.setHeader("content-type", "text/event-stream");
      const say = (event: unknown): boolean => response.write(`data: ${JSON.stringify(event)}\n\n`);
      say({ id: "a", model: "tiny", choices: [{ index: 0, delta: { content: "word" } }] });
      say({ id: "a", choices: [{ index: 0, delta: {}, finish_reason: "length" }] });
      const prompt_tokens = 10 + (asked.messages[0]?.content.split(" ").length ?? 0);
      const usage = { prompt_tokens, completion_tokens: asked.max_tokens };
      if (tellsUsage) say({ id: "a", choices: [], usage });
      response.end("data: [DONE]\n\n");
    });
  };
}

describe("a profile", () => {
  test("measures every batch and prompt length, with prompts that no cache knows", async () => {
    const seen: Asked[] = [];
    const client = await engineThat(completing(seen));
    expect(await identifyEngine(client)).toEqual({ kind: "vllm", models: ["tiny"] });
    const result = await profileEngine(client, OPTIONS);
    if (!result.ok) throw new Error(result.message);
    const { profile } = result;
    expect(profile).toMatchObject({ isComplete: true, sequences: 4 });
    expect(profile.limits.contextTokens).toBe(512);
    expect(new Set(profile.points.map(({ outputTokens }) => outputTokens))).toEqual(
      new Set([1, 8]),
    );
    const prompts = seen.map(({ messages }) => messages[0]?.content);
    expect(new Set(prompts).size).toBe(prompts.length);
    expect(seen.every(({ ignore_eos: ignores }) => ignores === true)).toBe(true);
    const longest = Math.max(...prompts.map((prompt = "") => prompt.split(" ").length + 10));
    expect(longest).toBeGreaterThan(400);
    expect(longest + OPTIONS.outputTokens).toBeLessThanOrEqual(512);
    const spent = seen.reduce(
      (sum, { max_tokens: made, messages }) =>
        sum + made + 10 + (messages[0]?.content.split(" ").length ?? 0),
      0,
    );
    expect(profile.tokensUsed).toBe(spent);
  });

  test("keeps to its tokens and says that it was cut short", async () => {
    const client = await engineThat(completing([]));
    const result = await profileEngine(client, { ...OPTIONS, tokensMax: 2_000 });
    if (!result.ok) throw new Error(result.message);
    expect(result.profile.isComplete).toBe(false);
    expect(result.profile.tokensUsed).toBeLessThanOrEqual(2_000);
  });

  test.each([
    [
      "refuses",
      (): RequestListener => (_, response) => void response.writeHead(401).end("who?"),
      "status 401: who?",
    ],
    ["tells no usage", (): RequestListener => completing([], false), "no usage"],
    [
      "breaks off",
      (): RequestListener => (_, response) => void response.destroy(),
      "closed the connection",
    ],
  ])("an engine that %s is said to", async (_name, answers, words) => {
    const result = await profileEngine(await engineThat(answers()), OPTIONS);
    expect(result).toMatchObject({ ok: false, message: expect.stringContaining(words) });
  });

  test("ends at once when it is cancelled, and so do its requests", async () => {
    const stop = new AbortController();
    let left = 0;
    const client = await engineThat((request, response) => {
      if (request.method === "GET") return void response.writeHead(404).end();
      response.on("close", () => left++);
      stop.abort();
    });
    const result = await profileEngine(client, { ...OPTIONS, signal: stop.signal });
    expect(result).toEqual({ ok: false, message: "cancelled" });
    await expect.poll(() => left).toBe(1);
  });
});
