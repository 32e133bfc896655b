import type { EngineKind } from "./endpoint.ts";

/** What an engine says of itself. */
export interface EngineLoad {
  readonly running: number;
  readonly waiting: number;
  /** Share of KV memory in use, 0..1; null where it is not told. */
  readonly kvUse: number | null;
}

interface Families {
  /** Names of one thing, the newest first; the first that is there counts. */
  readonly running: readonly string[];
  readonly waiting: readonly string[];
  readonly kvUse: readonly string[];
}

const FAMILIES: Readonly<Partial<Record<EngineKind, Families>>> = {
  vllm: {
    running: ["vllm:num_requests_running"],
    waiting: ["vllm:num_requests_waiting", "vllm:num_requests_waiting_by_reason"],
    kvUse: ["vllm:kv_cache_usage_perc", "vllm:gpu_cache_usage_perc"],
  },
  sglang: {
    running: ["sglang:num_running_reqs", "sglang_num_running_reqs"],
    waiting: ["sglang:num_queue_reqs", "sglang_num_queue_reqs"],
    kvUse: ["sglang:token_usage", "sglang_token_usage"],
  },
  "llama.cpp": {
    running: ["llamacpp:requests_processing"],
    waiting: ["llamacpp:requests_deferred"],
    kvUse: ["llamacpp:kv_cache_usage_ratio"],
  },
  tgi: { running: ["tgi_batch_current_size"], waiting: ["tgi_queue_size"], kvUse: [] },
};

const VLLM_CACHE = "vllm:cache_config_info";

/** The load in an engine's Prometheus text; null where the kind has none or it is not there. */
export function readLoad(kind: EngineKind, text: string): EngineLoad | null {
  const families = FAMILIES[kind];
  if (families === undefined) return null;
  const samples = samplesOf(text, new Set(Object.values(families).flat()));
  const running = values(samples, families.running);
  if (running.length === 0) return null;
  const kvUse = values(samples, families.kvUse);
  return {
    running: sum(running),
    waiting: sum(values(samples, families.waiting)),
    kvUse: kvUse.length === 0 ? null : Math.max(...kvUse),
  };
}

/** Tokens of KV memory that vLLM tells of, over all of its data-parallel engines; null where it does not. */
export function readKvTokens(text: string): number | null {
  const sizes = samplesOf(text, new Set([VLLM_CACHE])).flatMap(({ labels }) => {
    const tokens = Number(labels["kv_cache_size_tokens"]);
    const blocks = Number(labels["num_gpu_blocks"]) * Number(labels["block_size"]);
    return [tokens, blocks].find((size) => Number.isFinite(size) && size > 0) ?? [];
  });
  return sizes.length === 0 ? null : sum(sizes);
}

interface Sample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Parallel ranks of one engine tell the same numbers: the first rank speaks. Other series (`engine`, `dp_rank`, `reason`) add up. */
function values(samples: readonly Sample[], names: readonly string[]): number[] {
  const name = names.find((one) => samples.some((sample) => sample.name === one));
  return samples
    .filter((sample) => sample.name === name && isFirstRank(sample.labels))
    .map(({ value }) => value);
}

function isFirstRank(labels: Readonly<Record<string, string>>): boolean {
  return (labels["tp_rank"] ?? "0") === "0" && (labels["pp_rank"] ?? "0") === "0";
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"/g;

/** Samples of the named families in the Prometheus text format 0.0.4; lines that are not understood are passed over. */
function samplesOf(text: string, names: ReadonlySet<string>): Sample[] {
  const samples: Sample[] = [];
  for (const line of text.split("\n")) {
    const nameEnd = line.search(/[{ \t]/);
    const name = line.slice(0, nameEnd);
    if (nameEnd === -1 || !names.has(name)) continue;
    const labelsEnd = line[nameEnd] === "{" ? line.lastIndexOf("}") : nameEnd - 1;
    if (labelsEnd === -1) continue;
    const value = Number(
      line
        .slice(labelsEnd + 1)
        .trim()
        .split(/\s/)[0],
    );
    if (!Number.isFinite(value)) continue;
    const labels: Record<string, string> = {};
    for (const [, key = "", raw = ""] of line.slice(nameEnd, labelsEnd).matchAll(LABEL)) {
      labels[key] = raw;
    }
    samples.push({ name, labels, value });
  }
  return samples;
}
