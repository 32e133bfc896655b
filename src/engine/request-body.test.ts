import { describe, expect, it } from "vitest";
import type { EngineEndpoint, EngineKind, EnginePriority } from "./endpoint.ts";
import { type BodyChanges, engineRequestBody } from "./request-body.ts";

const NONE: BodyChanges = {
  format: "completion",
  priorityKey: null,
  outputTokensMax: null,
  dropped: [],
};

function body(
  text: string,
  kind: EngineKind,
  changes: Partial<BodyChanges> = {},
  priority: EnginePriority = "none",
): string {
  const endpoint: EngineEndpoint = {
    name: "e",
    url: "http://h/v1",
    kind,
    upstreamModel: "up/m",
    apiKey: null,
    headers: {},
    timeouts: { connectMs: 1, headersMs: 1, idleMs: 1, totalMs: 1 },
    priority,
  };
  const bytes = new TextEncoder().encode(text);
  return engineRequestBody(bytes, JSON.parse(text), endpoint, { ...NONE, ...changes }).toString();
}

it("names the engine's model, streams, and asks for usage beside what was asked", () => {
  expect(body('{"model":"m","messages":[],"stream":false,"top_p":0.10}', "vllm")).toBe(
    '{"model":"up/m","messages":[],"stream":true,"top_p":0.10,"stream_options":{"include_usage":true}}',
  );
  const own = '{"stream_options":{"include_usage":false,"x":1.0}}';
  expect(body(own, "vllm")).toBe(
    '{"stream_options":{"include_usage":true,"x":1.0},"model":"up/m","stream":true}',
  );
});

it("adds no field for transformers serve, which refuses what it does not know", () => {
  expect(body('{"model":"m","max_tokens":5}', "transformers", { priorityKey: 1 })).toBe(
    '{"model":"up/m","max_tokens":5,"stream":true}',
  );
});

describe("the output limit", () => {
  it.each<[EngineKind, string, number | null, number | null]>([
    ["ollama", '"max_completion_tokens":7', null, 7],
    ["ollama", '"max_completion_tokens":7,"max_tokens":9', null, 7],
    ["ollama", '"max_tokens":9', 100, 9],
    ["ollama", '"max_tokens":0', 100, 100],
    ["ollama", '"max_tokens":-1', 100, 100],
    ["ollama", '"x":1', 100, 100],
    ["ollama", '"x":1', null, null],
    ["vllm", '"max_completion_tokens":7', 100, null],
    ["openai", '"x":1', 100, null],
  ])("%s, %s, %s", (kind, fields, outputTokensMax, expected) => {
    const sent = JSON.parse(body(`{${fields}}`, kind, { outputTokensMax }));
    expect(sent.max_tokens ?? null).toBe(expected);
  });
});

describe("priority", () => {
  it.each<[EnginePriority, number, number | null]>([
    ["vllm", 1.25, 1250],
    ["vllm", -2, -2000],
    ["sglang", 1.25, -1250],
    ["sglang", 0, 0],
    ["vllm", Number.POSITIVE_INFINITY, 2 ** 31 - 1],
    ["vllm", Number.NaN, null],
    ["none", 1.25, null],
  ])("%s, %s -> %s", (priority, priorityKey, expected) => {
    const kind = priority === "sglang" ? "sglang" : "vllm";
    const sent = JSON.parse(body('{"priority":-999}', kind, { priorityKey }, priority));
    expect(sent.priority ?? null).toBe(expected);
  });
});

it("fields of ours do not reach the engine", () => {
  expect(body('{"chimera":{"a":1},"seed":3}', "transformers", { dropped: ["chimera"] })).toBe(
    '{"seed":3,"model":"up/m","stream":true}',
  );
});
