import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { recording, SKIP_REASON } from "../../test/engine/recording.ts";
import { readKvTokens, readLoad } from "./metrics-reader.ts";

describe("vLLM", () => {
  it("sums data-parallel engines and takes the fullest one's KV", () => {
    const text = [
      "# HELP vllm:num_requests_running Number of requests",
      "# TYPE vllm:num_requests_running gauge",
      'vllm:num_requests_running{engine="0",model_name="a}b"} 3.0',
      'vllm:num_requests_running{engine="1",model_name="a\\"b"} 4.0 1795422236',
      'vllm:num_requests_running_total{engine="1"} 99',
      'vllm:num_requests_waiting{engine="0"} 1',
      'vllm:num_requests_waiting{engine="1"} 2e0',
      'vllm:num_requests_waiting_by_reason{engine="1",reason="capacity"} 2',
      'vllm:kv_cache_usage_perc{engine="0"} 0.25',
      'vllm:kv_cache_usage_perc{engine="1"} 0.5',
    ].join("\n");
    expect(readLoad("vllm", text)).toEqual({ running: 7, waiting: 3, kvUse: 0.5 });
  });

  it("reads the names of other versions", () => {
    const text = [
      "vllm:num_requests_running 1",
      'vllm:num_requests_waiting_by_reason{reason="capacity"} 2',
      'vllm:num_requests_waiting_by_reason{reason="deferred"} 3',
      "vllm:gpu_cache_usage_perc 0.1",
    ].join("\r\n");
    expect(readLoad("vllm", text)).toEqual({ running: 1, waiting: 5, kvUse: 0.1 });
  });

  it("tells its KV memory", () => {
    const info =
      'vllm:cache_config_info{block_size="16",engine="E",num_gpu_blocks="100",MORE} 1.0\n';
    const engines =
      info.replace("MORE", 'x="1"') + info.replace("MORE", 'kv_cache_size_tokens="2000"');
    expect(readKvTokens(engines)).toBe(3600);
    expect(
      readKvTokens('vllm:cache_config_info{block_size="None",num_gpu_blocks="None"} 1'),
    ).toBeNull();
    expect(readKvTokens("")).toBeNull();
  });
});

it("SGLang: the first rank speaks, data-parallel replicas add up", () => {
  const text = ["0", "1"]
    .flatMap((tp) => ["0", "1"].map((dp) => `dp_rank="${dp}",tp_rank="${tp}",pp_rank="0"`))
    .map((labels) => `sglang:num_running_reqs{${labels}} 2\nsglang:num_queue_reqs{${labels}} 1`)
    .join("\n");
  expect(readLoad("sglang", text)).toEqual({ running: 4, waiting: 2, kvUse: null });
});

it("TGI", () => {
  expect(readLoad("tgi", "tgi_batch_current_size 3\ntgi_queue_size 4\n")).toEqual({
    running: 3,
    waiting: 4,
    kvUse: null,
  });
});

it.each([
  "",
  "nonsense",
  "vllm:num_requests_running",
  "vllm:num_requests_running NaN",
  "{} 1",
  "vllm:num_requests_running{ 1",
])("%j holds no load", (text) => {
  expect(readLoad("vllm", text)).toBeNull();
});

it("kinds without metrics have no load", () => {
  expect(readLoad("ollama", "anything 1")).toBeNull();
});

describe.skipIf(SKIP_REASON !== null)("recordings", () => {
  it.each(["v0.5.0", "b4747-2025-02"])("a busy llama.cpp %s", (version) => {
    const { body } = recording(`llama-server/${version}/busy-metrics`);
    const load = readLoad("llama.cpp", body.toString("utf8"));
    expect(load?.running).toBe(2);
    expect(load?.waiting).toBeGreaterThan(0);
    expect(load?.kvUse === null).toBe(version === "v0.5.0");
  });

  it("vLLM 0.32", () => {
    const text = readFileSync("../shared/fixtures/vllm/v0.32.0/metrics-vllm-families.txt", "utf8");
    expect(readLoad("vllm", text)).toEqual({ running: 0, waiting: 0, kvUse: 0 });
    expect(readKvTokens(text)).toBe(2_097_152);
  });
});
