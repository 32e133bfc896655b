import type { Buckets, Families, Family, FamilyHead, Tally } from "./family.ts";

type Counter<Names extends readonly string[] = readonly []> = Family<Names, Tally>;
type Gauge<Names extends readonly string[] = readonly []> = Family<Names, Tally>;
type Histogram<Names extends readonly string[] = readonly []> = Family<Names, Buckets>;

const WAIT_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];
const TOKEN_SECONDS = [0.002, 0.005, 0.01, 0.015, 0.02, 0.03, 0.05, 0.075, 0.1, 0.15, 0.25, 0.5, 1];
const WORK_SECONDS = [
  1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 0.005, 0.01, 0.025, 0.1,
];
const RATIOS = [0.1, 0.2, 0.33, 0.5, 0.67, 0.8, 0.9, 1.1, 1.25, 1.5, 2, 3, 5, 10];

/** Counters and histograms, fed as things happen. */
export interface FlowFamilies {
  readonly admissions: Counter<readonly ["class"]>;
  readonly requests: Counter<readonly ["model", "class", "outcome"]>;
  readonly workflows: Counter<readonly ["end"]>;
  readonly dispatches: Counter<readonly ["engine", "model"]>;
  readonly decisions: Counter<readonly ["rule", "model"]>;
  readonly predictions: Counter<readonly ["result"]>;
  readonly promptTokens: Counter<readonly ["model"]>;
  readonly outputTokens: Counter<readonly ["model"]>;
  readonly tenantRequests: Counter<readonly ["tenant", "outcome"]>;
  readonly tenantTokens: Counter<readonly ["tenant", "kind"]>;
  readonly tenantRefusals: Counter<readonly ["tenant", "limit"]>;
  readonly queueWait: Histogram<readonly ["model", "class"]>;
  readonly firstToken: Histogram<readonly ["model", "class"]>;
  readonly perOutputToken: Histogram<readonly ["model"]>;
  readonly predictionRatio: Histogram<readonly ["model"]>;
  readonly decisionTime: Histogram;
  readonly overhead: Histogram;
}

export function createFlowFamilies(families: Families): FlowFamilies {
  const { counter, histogram } = makersFor(families);
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
    ...tenantFamilies(families),
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

function tenantFamilies(families: Families): TenantFamilies {
  const { counter } = makersFor(families);
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
  readonly queued: Gauge<readonly ["class"]>;
  readonly openRequests: Gauge;
  readonly strandedRequests: Gauge;
  readonly openWorkflows: Gauge;
  readonly waiting: Gauge<readonly ["engine", "model"]>;
  readonly running: Gauge<readonly ["engine", "model"]>;
  readonly predictedTokens: Gauge<readonly ["engine", "model"]>;
  readonly engineState: Gauge<readonly ["engine", "model", "state"]>;
  readonly promotions: Counter<readonly ["engine", "model"]>;
  readonly predictorRequests: Counter<readonly ["fate"]>;
  readonly predictorRestarts: Counter;
  readonly predictorSwaps: Counter<readonly ["result"]>;
  readonly rowsWritten: Counter<readonly ["table"]>;
  readonly rowsDropped: Counter<readonly ["table", "reason"]>;
  readonly rowsPending: Gauge;
}

export function createStateFamilies(families: Families): StateFamilies {
  const { counter, gauge } = makersFor(families);
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

function makersFor(families: Families) {
  return {
    counter: <const Names extends readonly string[]>(name: string, help: string, labels: Names) =>
      families.counter(headOf(name, help, labels)),
    gauge: <const Names extends readonly string[]>(name: string, help: string, labels: Names) =>
      families.gauge(headOf(name, help, labels)),
    histogram: <const Names extends readonly string[]>(
      name: string,
      help: string,
      limits: readonly number[],
      labels: Names,
    ) => families.histogram(headOf(name, help, labels), limits),
  };
}

function headOf<const Names extends readonly string[]>(
  name: string,
  help: string,
  labels: Names,
): FamilyHead<Names> {
  return { name: `chimera_${name}`, help, labels };
}
