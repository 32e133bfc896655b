import { Counter, Gauge, Histogram, type Registry } from "prom-client";

const WAIT_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];
const TOKEN_SECONDS = [0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1];
const WORK_SECONDS = [
  1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 0.005, 0.01, 0.025, 0.1,
];
const RATIOS = [0.1, 0.2, 0.33, 0.5, 0.67, 0.8, 0.9, 1.1, 1.25, 1.5, 2, 3, 5, 10];

/** Counters and histograms, fed as things happen. */
export interface FlowFamilies {
  readonly admissions: Counter<"class">;
  readonly requests: Counter<"model" | "class" | "outcome">;
  readonly workflows: Counter<"end">;
  readonly dispatches: Counter<"engine" | "model">;
  readonly decisions: Counter<"rule" | "model">;
  readonly predictions: Counter<"result">;
  readonly promptTokens: Counter<"model">;
  readonly outputTokens: Counter<"model">;
  readonly tenantRequests: Counter<"tenant" | "outcome">;
  readonly tenantTokens: Counter<"tenant" | "kind">;
  readonly tenantRefusals: Counter<"tenant" | "limit">;
  readonly queueWait: Histogram<"model" | "class">;
  readonly firstToken: Histogram<"model" | "class">;
  readonly perOutputToken: Histogram<"model">;
  readonly predictionRatio: Histogram<"model">;
  readonly decisionTime: Histogram;
  readonly overhead: Histogram;
}

export function createFlowFamilies(registry: Registry): FlowFamilies {
  const { counter, histogram } = makersFor(registry);
  return {
    admissions: counter("admissions_total", "Requests that reached the scheduler", ["class"]),
    requests: counter("requests_total", "Requests that ended, by outcome", [
      "model",
      "class",
      "outcome",
    ]),
    workflows: counter("workflows_total", "Workflows that ended, by how", ["end"]),
    dispatches: counter("dispatches_total", "Requests sent to an engine, retries included", [
      "engine",
      "model",
    ]),
    decisions: counter("decisions_total", "Decisions carried out, by rule", ["rule", "model"]),
    predictions: counter("predictions_total", "Predictions by whether they came in time", [
      "result",
    ]),
    promptTokens: counter("prompt_tokens_total", "Prompt tokens of completed requests", ["model"]),
    outputTokens: counter("output_tokens_total", "Output tokens of completed requests", ["model"]),
    ...tenantFamilies(registry),
    queueWait: histogram("queue_wait_seconds", "Time from queued to dispatched", WAIT_SECONDS, [
      "model",
      "class",
    ]),
    firstToken: histogram(
      "time_to_first_token_seconds",
      "Time from arrival to the first output token",
      WAIT_SECONDS,
      ["model", "class"],
    ),
    perOutputToken: histogram(
      "time_per_output_token_seconds",
      "Mean time between output tokens of a completed request",
      TOKEN_SECONDS,
      ["model"],
    ),
    predictionRatio: histogram(
      "prediction_ratio",
      "Output tokens of a workflow as predicted at its first stage, over those that it made",
      RATIOS,
      ["model"],
    ),
    decisionTime: histogram("decision_seconds", "Time of one step of the core", WORK_SECONDS, []),
    overhead: histogram(
      "overhead_seconds",
      "Time that a request spent in the gateway itself, without queue and engine",
      WORK_SECONDS,
      [],
    ),
  };
}

type TenantFamilies = Pick<FlowFamilies, "tenantRequests" | "tenantTokens" | "tenantRefusals">;

function tenantFamilies(registry: Registry): TenantFamilies {
  const { counter } = makersFor(registry);
  return {
    tenantRequests: counter("tenant_requests_total", "Requests of a key that ended, by outcome", [
      "tenant",
      "outcome",
    ]),
    tenantTokens: counter("tenant_tokens_total", "Tokens of completed requests of a key", [
      "tenant",
      "kind",
    ]),
    tenantRefusals: counter("tenant_refusals_total", "Requests beyond a limit of their key", [
      "tenant",
      "limit",
    ]),
  };
}

/** Families that are read from elsewhere when they are asked for. */
export interface StateFamilies {
  readonly queued: Gauge<"class">;
  readonly openRequests: Gauge;
  readonly strandedRequests: Gauge;
  readonly openWorkflows: Gauge;
  readonly waiting: Gauge<"engine" | "model">;
  readonly running: Gauge<"engine" | "model">;
  readonly predictedTokens: Gauge<"engine" | "model">;
  readonly engineState: Gauge<"engine" | "model" | "state">;
  readonly promotions: Counter<"engine" | "model">;
  readonly predictorRequests: Counter<"fate">;
  readonly predictorRestarts: Counter;
  readonly predictorSwaps: Counter<"result">;
  readonly rowsWritten: Counter<"table">;
  readonly rowsDropped: Counter<"table" | "reason">;
  readonly rowsPending: Gauge;
}

export function createStateFamilies(registry: Registry): StateFamilies {
  const { counter, gauge } = makersFor(registry);
  const engine = ["engine", "model"] as const;
  return {
    queued: gauge("queue_requests", "Requests that wait for an engine", ["class"]),
    openRequests: gauge("open_requests", "Unfinished requests", []),
    strandedRequests: gauge("stranded_requests", "Unfinished requests without a live engine", []),
    openWorkflows: gauge("open_workflows", "Workflows that are remembered", []),
    waiting: gauge("engine_queue_requests", "Requests that wait for this engine", engine),
    running: gauge("in_flight_requests", "Requests that the engine is at work on", engine),
    predictedTokens: gauge(
      "in_flight_predicted_tokens",
      "Predicted output tokens of unfinished work on the engine",
      engine,
    ),
    engineState: gauge("engine_state", "1 for the state that the engine is in", [
      "engine",
      "model",
      "state",
    ]),
    promotions: counter(
      "starvation_promotions_total",
      "Queued requests promoted because they were passed over too often",
      engine,
    ),
    predictorRequests: counter(
      "predictor_requests_total",
      "Requests to the learned models by their fate: predicted, late, refused or failed",
      ["fate"],
    ),
    predictorRestarts: counter(
      "predictor_restarts_total",
      "Threads of learned models started in the place of one that ended",
      [],
    ),
    predictorSwaps: counter(
      "predictor_swaps_total",
      "Model files that were taken in while serving, and those that were refused",
      ["result"],
    ),
    rowsWritten: counter("store_rows_written_total", "Rows written to the trace store", ["table"]),
    rowsDropped: counter("store_rows_dropped_total", "Rows that the trace store did not keep", [
      "table",
      "reason",
    ]),
    rowsPending: gauge("store_rows_pending", "Rows that wait for the trace store's disk", []),
  };
}

function makersFor(registry: Registry) {
  const common = <Label extends string>(name: string, help: string, labels: readonly Label[]) => ({
    name: `chimera_${name}`,
    help,
    labelNames: [...labels],
    registers: [registry],
  });
  return {
    counter: <Label extends string>(name: string, help: string, labels: readonly Label[]) =>
      new Counter<Label>(common(name, help, labels)),
    gauge: <Label extends string>(name: string, help: string, labels: readonly Label[]) =>
      new Gauge<Label>(common(name, help, labels)),
    histogram: <Label extends string>(
      name: string,
      help: string,
      buckets: readonly number[],
      labels: readonly Label[],
    ) => new Histogram<Label>({ ...common(name, help, labels), buckets: [...buckets] }),
  };
}
