import { describe, expect, it } from "vitest";

import type { StageRecord } from "../core/command.ts";
import type { Decision } from "../core/types.ts";
import { LabelCap } from "./label-cap.ts";
import { Metrics, type MetricsSources, type StoreView } from "./metrics.ts";
import { processMetrics } from "./process-metrics.ts";

type MetricsView = ReturnType<MetricsSources["view"]>;

const EMPTY: MetricsView = {
  engines: [],
  queuedByClass: { system: 0, interactive: 0, default: 0, bulk: 0 },
  requests: 0,
  stranded: 0,
  workflows: 0,
};

const SMALL: MetricsView["engines"][number] = {
  name: "small",
  model: "s",
  state: "live",
  waiting: 4,
  running: 2,
  inFlightTokens: 900,
  promotions: 5,
};

function setUp() {
  const state: { view: MetricsView; store: StoreView | null } = { view: EMPTY, store: null };
  const metrics = new Metrics({ view: () => state.view, store: () => state.store });
  return { metrics, state };
}

/** Samples of our own families, without those of the process, as "name{labels}" to value. */
async function samples(metrics: Metrics): Promise<Map<string, number>> {
  const text = await metrics.text();
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => {
      const space = line.lastIndexOf(" ");
      return [line.slice(0, space), Number(line.slice(space + 1))];
    }),
  );
}

const DECISION: Decision = {
  requestId: "r",
  workflowId: "w",
  stage: 0,
  timeMs: 0,
  choice: "auto",
  rule: "price",
  engine: "small",
  model: "s",
  confidence: 0.5,
  remainingTokens: 150,
  stageTokens: 100,
  estimateSource: "cold-start",
  prediction: "late",
  movedFrom: null,
  price: 0.2,
  slack: null,
  minGain: 0.1,
  unloadedMs: 1000,
  candidates: [],
};

const RECORD: StageRecord = {
  type: "record-stage",
  requestId: "r",
  workflowId: "w",
  stage: 0,
  pool: "chimera",
  class: "bulk",
  tenant: null,
  outcome: "completed",
  engine: "small",
  model: "s",
  attempts: 1,
  promptTokens: 30,
  outputTokens: 101,
  arrivedMs: 0,
  queuedMs: 100,
  dispatchedMs: 400,
  firstTokenMs: 1000,
  endedMs: 3000,
  decision: DECISION,
};

function dispatch(metrics: Metrics, decision: Decision = DECISION): void {
  const { requestId, engine } = decision;
  const rest = { attempt: 1, priority: 0, queuedMs: 0, decision };
  metrics.observeCommand({ type: "dispatch", requestId, engine, ...rest });
}

function endWorkflow(metrics: Metrics, models: string[], completedStages = 2): void {
  metrics.observeCommand({
    type: "record-workflow",
    workflowId: "w",
    arrivedMs: 0,
    endedMs: 1,
    stages: 2,
    completedStages,
    outputTokens: 100,
    score: null,
    end: "ended",
    models,
  });
}

describe("the process", () => {
  it("is told of once, however many gateways it has had", async () => {
    const first = await setUp().metrics.text();
    const second = await setUp().metrics.text();
    for (const text of [first, second]) {
      const types = text.split("\n").filter((line) => line.startsWith("# TYPE "));
      expect(new Set(types).size).toBe(types.length);
      expect(types).toContain("# TYPE chimera_process_cpu_seconds_total counter");
    }
    expect(processMetrics()).toBe(processMetrics());
  });
});

describe("commands", () => {
  it("of a completed request are counted in seconds and tokens", async () => {
    const { metrics } = setUp();
    dispatch(metrics);
    metrics.observeCommand(RECORD);
    const found = await samples(metrics);
    expect(Object.fromEntries(found)).toMatchObject({
      'chimera_dispatches_total{engine="small",model="s"}': 1,
      'chimera_decisions_total{rule="price",model="s"}': 1,
      'chimera_predictions_total{result="late"}': 1,
      'chimera_requests_total{model="s",class="bulk",outcome="completed"}': 1,
      'chimera_prompt_tokens_total{model="s"}': 30,
      'chimera_output_tokens_total{model="s"}': 101,
      'chimera_queue_wait_seconds_sum{model="s",class="bulk"}': 0.3,
      'chimera_time_to_first_token_seconds_sum{model="s",class="bulk"}': 1,
      'chimera_time_per_output_token_seconds_sum{model="s"}': 0.02,
    });
  });

  it("of a request that reached no engine count its outcome alone", async () => {
    const { metrics } = setUp();
    const nothing = { engine: null, model: null, decision: null };
    const never = { queuedMs: null, dispatchedMs: null, firstTokenMs: null };
    metrics.observeCommand({ ...RECORD, ...nothing, ...never, outcome: "no-engine" });
    const found = await samples(metrics);
    const labels = '{model="none",class="bulk",outcome="no-engine"}';
    expect(found.get(`chimera_requests_total${labels}`)).toBe(1);
    expect([...found.keys()].filter((name) => name.includes("_wait_seconds_sum"))).toEqual([]);
  });

  it("judge the prediction of a workflow that one model served whole", async () => {
    const { metrics } = setUp();
    const name = 'chimera_prediction_ratio_sum{model="s"}';
    dispatch(metrics);
    dispatch(metrics, { ...DECISION, stage: 1, remainingTokens: 7 });
    endWorkflow(metrics, ["s"]);
    expect((await samples(metrics)).get(name)).toBe(1.5);
    endWorkflow(metrics, ["s"]);
    dispatch(metrics);
    endWorkflow(metrics, ["s", "l"]);
    dispatch(metrics);
    endWorkflow(metrics, ["s"], 1);
    const found = await samples(metrics);
    expect(found.get(name)).toBe(1.5);
    expect(found.get('chimera_workflows_total{end="ended"}')).toBe(4);
  });
});

describe("events and times", () => {
  it("count admissions, steps and overhead", async () => {
    const { metrics } = setUp();
    metrics.observeEvent({
      type: "request-arrived",
      timeMs: 0,
      requestId: "r",
      workflowId: "w",
      stage: 0,
      class: "interactive",
      pool: "chimera",
      estimates: [],
      predict: false,
      promptTokens: 1,
      outputTokensMax: null,
      streams: true,
      queueWaitMsMax: 1,
      knobs: null,
    });
    metrics.observeEvent({ type: "time-passed", timeMs: 1 });
    metrics.observeDecisionMs(0.02);
    metrics.observeOverheadMs(2);
    const found = await samples(metrics);
    expect(found.get('chimera_admissions_total{class="interactive"}')).toBe(1);
    expect(found.get("chimera_decision_seconds_sum")).toBe(0.00002);
    expect(found.get("chimera_overhead_seconds_count")).toBe(1);
  });
});

describe("the state", () => {
  it("is read when it is asked for, and engines that left leave nothing behind", async () => {
    const { metrics, state } = setUp();
    state.view = {
      engines: [SMALL, { ...SMALL, name: "large", model: "l", state: "draining" }],
      queuedByClass: { system: 0, interactive: 1, default: 7, bulk: 0 },
      requests: 12,
      stranded: 1,
      workflows: 3,
    };
    expect(Object.fromEntries(await samples(metrics))).toMatchObject({
      'chimera_queue_requests{class="default"}': 7,
      chimera_open_requests: 12,
      chimera_stranded_requests: 1,
      chimera_open_workflows: 3,
      'chimera_engine_queue_requests{engine="small",model="s"}': 4,
      'chimera_in_flight_requests{engine="small",model="s"}': 2,
      'chimera_in_flight_predicted_tokens{engine="small",model="s"}': 900,
      'chimera_engine_state{engine="small",model="s",state="live"}': 1,
      'chimera_engine_state{engine="large",model="l",state="live"}': 0,
      'chimera_engine_state{engine="large",model="l",state="draining"}': 1,
      'chimera_starvation_promotions_total{engine="small",model="s"}': 5,
    });
    state.view = { ...EMPTY, engines: [{ ...SMALL, promotions: 8 }] };
    const found = await samples(metrics);
    const promotions = 'chimera_starvation_promotions_total{engine="small",model="s"}';
    expect(found.get(promotions)).toBe(8);
    expect(found.has('chimera_in_flight_requests{engine="large",model="l"}')).toBe(false);
    state.view = { ...EMPTY, engines: [{ ...SMALL, promotions: 2 }] };
    expect((await samples(metrics)).get(promotions)).toBe(10);
  });

  it("shows what the store wrote and dropped", async () => {
    const { metrics, state } = setUp();
    state.store = {
      written: { stages: 10, workflows: 1 },
      dropped: { stages: { full: 2 }, workflows: { full: 0 } },
      pendingRows: 3,
    };
    await metrics.text();
    state.store = { ...state.store, written: { stages: 15, workflows: 1 } };
    expect(Object.fromEntries(await samples(metrics))).toMatchObject({
      'chimera_store_rows_written_total{table="stages"}': 15,
      'chimera_store_rows_dropped_total{table="stages",reason="full"}': 2,
      chimera_store_rows_pending: 3,
    });
  });
});

describe("labels", () => {
  it("are bounded: what comes late is summed under other", async () => {
    const { metrics, state } = setUp();
    const engines = Array.from({ length: 1200 }, (_, index) => ({ ...SMALL, name: `e${index}` }));
    state.view = { ...EMPTY, engines };
    const found = await samples(metrics);
    const running = [...found.keys()].filter((name) => name.startsWith("chimera_in_flight_requ"));
    expect(running).toHaveLength(1001);
    expect(found.get('chimera_in_flight_requests{engine="other",model="s"}')).toBe(400);
  });

  it("keep those that were there first", () => {
    const cap = new LabelCap(2);
    expect(["a", "b", "c", "a"].map((value) => cap.of("model", value))).toEqual([
      "a",
      "b",
      "other",
      "a",
    ]);
    expect(cap.of("engine", "c")).toBe("c");
  });

  it("never hold an id, and every family has the prefix", async () => {
    const { metrics } = setUp();
    dispatch(metrics, { ...DECISION, requestId: "id-1", workflowId: "id-2" });
    metrics.observeCommand({ ...RECORD, requestId: "id-1", workflowId: "id-2" });
    const text = await metrics.text();
    expect(text).not.toContain("id-");
    const families = text.split("\n").filter((line) => line.startsWith("# TYPE "));
    for (const family of families) expect(family).toMatch(/^# TYPE chimera_/);
    expect(metrics.contentType).toContain("text/plain");
  });
});

describe("drift of predictions", () => {
  it("is shown by model, and what cannot be scored is not shown", async () => {
    const scored = { kendallDistance: 0.25, coverage: 0.75, calibrationError: null };
    const readings = [{ model: "s", lengths: 4, scores: 0, ...scored }];
    const metrics = new Metrics({ view: () => EMPTY, store: () => null, drift: () => readings });
    const shown = await samples(metrics);
    expect(shown.get('chimera_prediction_kendall_distance{model="s"}')).toBe(0.25);
    expect(shown.get('chimera_prediction_interval_coverage{model="s"}')).toBe(0.75);
    expect(shown.has('chimera_prediction_calibration_error{model="s"}')).toBe(false);
    expect(shown.get('chimera_prediction_window_cases{model="s",of="lengths"}')).toBe(4);
    readings.pop();
    expect((await samples(metrics)).has('chimera_prediction_interval_coverage{model="s"}')).toBe(
      false,
    );
  });
});
