import { describe, expect, it } from "vitest";
import { recording, SKIP_REASON } from "../../test/engine/recording.ts";
import type { EngineReply } from "./client.ts";
import type { EngineEndpoint, EngineKind } from "./endpoint.ts";
import { discoverLimits, NO_LIMITS, readLimits } from "./limits.ts";

function endpointOf(kind: EngineKind): EngineEndpoint {
  return {
    name: "e",
    url: "http://h",
    kind,
    upstreamModel: "tiny",
    apiKey: null,
    headers: {},
    timeouts: { connectMs: 1, headersMs: 1, idleMs: 1, totalMs: 1 },
    priority: "none",
  };
}

/** An engine that answers the given paths, and 404 elsewhere. */
function engine(
  kind: EngineKind,
  answers: Readonly<Record<string, string>>,
): Parameters<typeof discoverLimits>[0] & { readonly asked: string[] } {
  const asked: string[] = [];
  const getText = async (path: string): Promise<EngineReply<string>> => {
    asked.push(path);
    const body = answers[path];
    return { failure: null, status: body === undefined ? 404 : 200, body: body ?? "{}" };
  };
  const getJson = async (path: string): Promise<EngineReply<unknown>> => {
    const reply = await getText(path);
    return reply.failure === null ? { ...reply, body: JSON.parse(reply.body) } : reply;
  };
  return { endpoint: endpointOf(kind), asked, getText, getJson };
}

describe("limits are found", () => {
  it("at vLLM, with the memory that its metrics tell", async () => {
    const vllm = engine("vllm", {
      "/v1/models": '{"data":[{"id":"x","max_model_len":5},{"id":"tiny","max_model_len":1024}]}',
      "/metrics": 'vllm:cache_config_info{kv_cache_size_tokens="4096"} 1',
    });
    const limits = { contextTokens: 1024, sequences: null, kvTokens: 4096 };
    expect(await discoverLimits(vllm)).toEqual(limits);
  });

  it("at SGLang under the older path", async () => {
    const info = '{"context_length":100,"max_running_requests":8,"max_total_num_tokens":900}';
    const sglang = engine("sglang", { "/get_server_info": info });
    const limits = { contextTokens: 100, sequences: 8, kvTokens: 900 };
    expect(await discoverLimits(sglang)).toEqual(limits);
    expect(sglang.asked).toEqual(["/server_info", "/get_server_info"]);
  });

  it("at TGI", async () => {
    const info =
      '{"max_concurrent_requests":128,"max_total_tokens":50,"max_batch_total_tokens":700}';
    const limits = { contextTokens: 50, sequences: 128, kvTokens: 700 };
    expect(await discoverLimits(engine("tgi", { "/info": info }))).toEqual(limits);
  });

  it("nowhere at Ollama, which is not asked", async () => {
    const ollama = engine("ollama", {});
    expect(await discoverLimits(ollama)).toEqual(NO_LIMITS);
    expect(ollama.asked).toEqual([]);
  });

  it.each([null, 1, [], { data: 5 }, { data: [null] }, { total_slots: "4" }, { total_slots: -1 }])(
    "nowhere in %j",
    (body) => {
      expect(readLimits(body, endpointOf("vllm"))).toEqual(NO_LIMITS);
    },
  );
});

describe.skipIf(SKIP_REASON !== null)("recorded answers", () => {
  it.each<[string, EngineKind, object]>([
    ["vllm/v0.32.0/models", "vllm", { contextTokens: 1024, sequences: null, kvTokens: null }],
    [
      "llama-server/v0.5.0/props",
      "llama.cpp",
      { contextTokens: 1024, sequences: 2, kvTokens: 2048 },
    ],
  ])("%s", (name, kind, limits) => {
    const body: unknown = JSON.parse(recording(name).body.toString("utf8"));
    expect(readLimits(body, endpointOf(kind))).toEqual(limits);
  });
});
