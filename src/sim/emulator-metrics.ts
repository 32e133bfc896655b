import type { EmulatedEngine, Durations } from "./emulator-engine.ts";
import type { EmulatorOptions } from "./emulator-options.ts";

type Labels = Readonly<Record<string, string>>;

/** The state of an engine in Prometheus' text format, under vLLM's names. */
export function metricsText(options: EmulatorOptions, engine: EmulatedEngine): string {
  const model = engine.observe();
  const page = new MetricsPage({ engine: "0", model_name: options.model });
  page.add("num_requests_running", "gauge", model.running);
  page.add("num_requests_waiting", "gauge", model.waiting);
  page.add("kv_cache_usage_perc", "gauge", Math.min(1, model.heldTokens / options.kvTokens));
  page.add("prefix_cache_queries_total", "counter", engine.queriedTokens);
  page.add("prefix_cache_hits_total", "counter", model.cachedTokensUsed);
  page.add("num_preemptions_total", "counter", model.preemptions);
  page.add("prompt_tokens_total", "counter", model.promptTokensComputed + model.cachedTokensUsed);
  page.add("prompt_tokens_cached_total", "counter", model.cachedTokensUsed);
  page.add("generation_tokens_total", "counter", model.outputTokensMade);
  const { stop, length, abort, error, rejected } = engine.counts;
  page.family("request_success_total", "counter");
  for (const [reason, count] of Object.entries({ stop, length, abort, error })) {
    page.sample("request_success_total", count, { finished_reason: reason });
  }
  page.family("admission_rejections_total", "counter");
  page.sample("admission_rejections_total", rejected, { reason: "max_num_queued_reqs" });
  page.histogram("time_to_first_token_seconds", engine.timeToFirstToken);
  page.histogram("request_queue_time_seconds", engine.queueTime);
  page.histogram("e2e_request_latency_seconds", engine.latency);
  page.family("cache_config_info", "gauge");
  page.sample("cache_config_info", 1, {
    block_size: "1",
    num_gpu_blocks: String(options.kvTokens),
    kv_cache_size_tokens: String(options.kvTokens),
    enable_prefix_caching: options.prefixCache ? "True" : "False",
  });
  return page.text;
}

class MetricsPage {
  text = "";
  readonly #labels: Labels;

  constructor(labels: Labels) {
    this.#labels = labels;
  }

  add(name: string, type: string, value: number): void {
    this.family(name, type);
    this.sample(name, value, {});
  }

  /** One bucket: count and sum give the mean, which is all that is kept. */
  histogram(name: string, { count, seconds }: Durations): void {
    this.family(name, "histogram");
    this.sample(`${name}_bucket`, count, { le: "+Inf" });
    this.sample(`${name}_count`, count, {});
    this.sample(`${name}_sum`, seconds, {});
  }

  family(name: string, type: string): void {
    this.text += `# TYPE vllm:${name} ${type}\n`;
  }

  sample(name: string, value: number, labels: Labels): void {
    const all = Object.entries({ ...this.#labels, ...labels });
    const list = all.map(([label, text]) => `${label}="${escapeLabel(text)}"`).join(",");
    this.text += `vllm:${name}{${list}} ${value}\n`;
  }
}

function escapeLabel(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
