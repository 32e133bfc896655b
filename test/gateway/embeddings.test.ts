import { afterEach, describe, expect, test } from "vitest";
import { type Bench, closeBenches, errorOf, leavingClient, startBench, until } from "./bench.ts";
import { HELLO, nothing, refuse, type Script, stream } from "./scripted-engine.ts";

afterEach(closeBenches);

const VECTORS = `{ "object":"list", "data":[{"object":"embedding","index":0,"embedding":[1.0e-2, 0.5]}], "model":"up", "usage":{"prompt_tokens":3,"total_tokens":3} }`;

/** The engine's answer in two pieces. */
const vectors: Script = ({ response }) => {
  response.writeHead(200, { "content-type": "application/json", "x-engine-secret": "inside" });
  response.write(VECTORS.slice(0, 40));
  response.end(VECTORS.slice(40));
};

const broken: Script = ({ response }) => {
  response.writeHead(200, { "content-type": "application/json" });
  response.end(VECTORS.slice(0, 40));
};

function embed(bench: Bench, more: object = {}, init: RequestInit = {}): Promise<Response> {
  return fetch(`${bench.url}/embeddings`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "small", input: "the plan", ...more }),
    ...init,
  });
}

describe("embeddings", () => {
  test("pass both ways as they are, with the engine's model and without a stream", async () => {
    const bench = await startBench({
      engines: { small: vectors },
      engine: { kind: "llama.cpp", upstreamModel: "org/Embedder" },
    });
    const response = await embed(bench, { dimensions: 2, my_field: { deep: 1 } });
    expect(response.status).toBe(200);
    expect(await response.text()).toBe(VECTORS);
    expect(response.headers.get("x-chimera-engine")).toBe("small");
    expect(response.headers.get("x-engine-secret")).toBeNull();
    expect(bench.engine("small").seen[0]).toMatchObject({
      path: "/v1/embeddings",
      headers: { accept: "application/json" },
    });
    expect(bench.engine("small").seen[0]?.body).toEqual({
      model: "org/Embedder",
      input: "the plan",
      dimensions: 2,
      my_field: { deep: 1 },
    });
  });

  test("count as a stage of one token", async () => {
    const bench = await startBench({ engines: { small: vectors } });
    const requestId = (await embed(bench, { input: ["a", "b"] })).headers.get("x-request-id");
    const trace = await fetch(`${bench.url}/chimera/decisions/${requestId}`);
    expect(await trace.json()).toMatchObject({
      outcome: "completed",
      outputTokens: 1,
      attempts: 1,
    });
  });

  test("are spread over replicas, and wait where there is no room", async () => {
    const bench = await startBench({
      engines: { "small-1": nothing, "small-2": nothing },
      engine: { maxConcurrency: 1 },
    });
    const engines = [bench.engine("small-1"), bench.engine("small-2")];
    const asked = [embed(bench), embed(bench), embed(bench)];
    const seen = (): number => engines.reduce((sum, engine) => sum + engine.seen.length, 0);
    await until(() => seen() === 2 && bench.gateway.view().requests === 3);
    expect(engines.map((engine) => engine.seen.length)).toEqual([1, 1]);
    for (const engine of engines) {
      engine.script = vectors;
      for (const request of engine.seen) void vectors(request);
    }
    for (const response of await Promise.all(asked)) expect(await response.text()).toBe(VECTORS);
  });

  test("are tried on another replica when one fails or breaks off", async () => {
    for (const bad of [refuse(500, "{}"), broken, stream(...HELLO)]) {
      const bench = await startBench({ engines: { "small-1": bad, "small-2": vectors } });
      for (const _ of [1, 2]) {
        const response = await embed(bench);
        expect(await response.text()).toBe(VECTORS);
      }
      expect(bench.engine("small-2").seen.length).toBeGreaterThanOrEqual(2);
    }
  });

  test("whose client leaves are stopped at the engine", async () => {
    const bench = await startBench({ engines: { small: nothing } });
    const { signal, leave } = leavingClient();
    const asked = expect(embed(bench, {}, { signal })).rejects.toThrow();
    const seen = await bench.engine("small").arrived(1);
    leave();
    await seen.aborted;
    await asked;
  });

  test.each([
    [{ input: undefined }, "input"],
    [{ input: [] }, "input"],
    [{ model: "chimera" }, "model"],
  ])("%j are refused", async (more, param) => {
    const bench = await startBench({ engines: { small: vectors, large: vectors } });
    const response = await embed(bench, more);
    expect(response.status).toBe(400);
    expect(await errorOf(response)).toMatchObject({ code: "invalid_request", param });
  });

  test("that the engine refuses keep its words", async () => {
    const words = `{"error":{"message":"Pooling type 'none' is not OAI compatible.","code":400}}`;
    const bench = await startBench({ engines: { small: refuse(400, words) } });
    const response = await embed(bench);
    expect(response.status).toBe(400);
    expect(await response.text()).toBe(words);
  });
});
