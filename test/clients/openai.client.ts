import OpenAI, { APIError, BadRequestError, InternalServerError } from "openai";
import { afterEach, describe, expect, test } from "vitest";
import { type Bench, closeBenches, startBench } from "../gateway/bench.ts";
import { delta, event, HELLO, refuse, type Script, stream } from "../gateway/scripted-engine.ts";

afterEach(closeBenches);

function clientOf(bench: Bench): OpenAI {
  return new OpenAI({ baseURL: bench.url, apiKey: "client-key" });
}

const asked = { model: "chimera", input: "Say hello." };

/** Two vectors as the client asks for them: base64 of 32-bit numbers. */
const vectors: Script = ({ response }) => {
  const embedding = Buffer.from(Float32Array.of(0.5, -1).buffer).toString("base64");
  const data = [0, 1].map((index) => ({ object: "embedding", index, embedding }));
  response.writeHead(200, { "content-type": "application/json" });
  response.end(JSON.stringify({ object: "list", data, model: "up", usage: {} }));
};

describe("the client of the OpenAI API", () => {
  test("reads a response made of a chat, whole and streamed", async () => {
    const bench = await startBench({ engines: { small: stream(...HELLO) } });
    const client = clientOf(bench);
    const created = await client.responses.create(asked);
    expect(created.output_text).toBe("Hello");
    expect(created.usage).toMatchObject({ input_tokens: 7, output_tokens: 2 });
    expect(created._request_id).toMatch(/^[\w-]+$/);
    const streaming = client.responses.stream(asked);
    const texts: string[] = [];
    streaming.on("response.output_text.delta", ({ delta }) => texts.push(delta));
    expect((await streaming.finalResponse()).output_text).toBe("Hello");
    expect(texts).toEqual(["Hel", "lo"]);
  });

  test("raises what cannot be answered, and what breaks off", async () => {
    const bench = await startBench({ engines: { small: stream(delta("Hel")) } });
    const client = clientOf(bench);
    const stateful = client.responses.create({ ...asked, previous_response_id: "resp_1" });
    await expect(stateful).rejects.toThrow(BadRequestError);
    const streaming = client.responses.stream(asked);
    await expect(streaming.finalResponse()).rejects.toThrow(APIError);
  });

  test("does not try again what the gateway has tried on its engines", async () => {
    const bench = await startBench({
      engines: { small: refuse(500, "{}") },
      limits: { attemptsMax: 2 },
    });
    await expect(clientOf(bench).responses.create(asked)).rejects.toThrow(InternalServerError);
    expect(bench.engine("small").seen.length).toBeLessThanOrEqual(2);
  });

  test("reads embeddings", async () => {
    const bench = await startBench({ engines: { small: vectors } });
    const { data } = await clientOf(bench).embeddings.create({ model: "small", input: ["a", "b"] });
    expect(data.map(({ embedding }) => [...embedding])).toEqual([
      [0.5, -1],
      [0.5, -1],
    ]);
  });

  test("reads a chat, whole and streamed", async () => {
    const role = event({ choices: [{ index: 0, delta: { role: "assistant", content: "" } }] });
    const bench = await startBench({ engines: { small: stream(role, ...HELLO) } });
    const client = clientOf(bench);
    const chat = {
      model: "chimera",
      messages: [{ role: "user" as const, content: "Say hello." }],
    };
    const created = await client.chat.completions.create(chat);
    expect(created.choices[0]?.message.content).toBe("Hello");
    const streaming = client.chat.completions.stream(chat);
    expect(await streaming.finalContent()).toBe("Hello");
  });
});
