import { Registry } from "prom-client";

import type { Command, Dispatch, StageRecord, WorkflowRecord } from "../core/command.ts";
import type { Event } from "../core/event.ts";
import type { EngineState } from "../core/types.ts";
import type { EngineView, View } from "../core/view.ts";
import {
  createFlowFamilies,
  createStateFamilies,
  type FlowFamilies,
  type StateFamilies,
} from "./families.ts";
import { DriftFamilies, type DriftReading } from "./drift-families.ts";
import { LabelCap } from "./label-cap.ts";
import { processMetrics } from "./process-metrics.ts";

/** What a trace store says of itself: rows by table, and by table and reason. */
export interface StoreView {
  readonly written: Readonly<Record<string, number>>;
  readonly dropped: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly pendingRows: number;
}

/** What learned predictors say of themselves: see `chimera_predictor_*`. */
export interface PredictorView {
  readonly predicted: number;
  readonly late: number;
  readonly refused: number;
  readonly failed: number;
  readonly restarts: number;
  readonly swaps: number;
  readonly swapsRefused: number;
}

/** Where the state is read when metrics are asked for. */
export interface MetricsSources {
  view(): Pick<View, "queuedByClass" | "requests" | "stranded" | "workflows"> & {
    readonly engines: readonly EngineSummary[];
  };
  /** null where nothing is stored. */
  store(): StoreView | null;
  /** null where nothing learned is used. */
  predictor?(): PredictorView | null;
  /** How good predictions were lately, by model. */
  drift?(): readonly DriftReading[];
}

type EngineSummary = Pick<
  EngineView,
  "name" | "model" | "state" | "waiting" | "running" | "inFlightTokens" | "promotions"
>;

const LABEL_VALUES_MAX = 1_000;
/** Workflows whose first prediction is remembered until they end; the oldest are forgotten. */
const PREDICTIONS_MAX = 10_000;
/** Counters kept elsewhere; far more than engines and tables. */
const READINGS_MAX = 10_000;
const NO_MODEL = "none";
const ENGINE_STATES: readonly EngineState[] = ["live", "draining", "dead", "removed"];

/**
 * Counts what the core's events and commands tell, and shows it in Prometheus' text form. Only
 * watches: nothing here reaches back into a decision. Labels never hold ids.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #flow: FlowFamilies = createFlowFamilies(this.#registry);
  readonly #state: StateFamilies = createStateFamilies(this.#registry);
  readonly #labels = new LabelCap(LABEL_VALUES_MAX);
  readonly #drift = new DriftFamilies(this.#registry, this.#labels);
  readonly #sources: MetricsSources;
  readonly #predictedTokens = new Map<string, number>();
  /** Readings of counters that others keep, to count on from; by family and labels. */
  readonly #readings = new Map<string, number>();

  constructor(sources: MetricsSources) {
    this.#sources = sources;
    processMetrics();
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  observeEvent(event: Event): void {
    if (event.type === "request-arrived") this.#flow.admissions.inc({ class: event.class });
  }

  observeCommand(command: Command): void {
    switch (command.type) {
      case "dispatch":
        return this.#observeDispatch(command);
      case "record-stage":
        return this.#observeStage(command);
      case "record-workflow":
        return this.#observeWorkflow(command);
      case "predict":
      case "abort":
      case "reject":
    }
  }

  /** Duration of one step of the core. */
  observeDecisionMs(ms: number): void {
    this.#flow.decisionTime.observe(ms / 1000);
  }

  /** Time that a request spent in the gateway itself. */
  observeOverheadMs(ms: number): void {
    this.#flow.overhead.observe(ms / 1000);
  }

  /** A request was refused because its key had used up one of its limits. */
  observeRefusal(tenant: string, limit: string): void {
    this.#flow.tenantRefusals.inc({ tenant: this.#labels.of("tenant", tenant), limit });
  }

  /** Everything, in Prometheus' text form, with the state as it is now. */
  async text(): Promise<string> {
    this.#readView();
    this.#readStore();
    this.#readPredictor();
    this.#drift.read(this.#sources.drift?.() ?? []);
    return (await this.#registry.metrics()) + (await processMetrics().metrics());
  }

  #observeDispatch({ decision }: Dispatch): void {
    const model = this.#labels.of("model", decision.model);
    this.#flow.dispatches.inc({ engine: this.#labels.of("engine", decision.engine), model });
    this.#flow.decisions.inc({ rule: decision.rule, model });
    this.#flow.predictions.inc({ result: decision.prediction });
    if (decision.stage > 0) return;
    this.#predictedTokens.set(decision.workflowId, decision.remainingTokens);
    if (this.#predictedTokens.size <= PREDICTIONS_MAX) return;
    for (const oldest of this.#predictedTokens.keys()) {
      this.#predictedTokens.delete(oldest);
      break;
    }
  }

  #observeStage(record: StageRecord): void {
    const model = this.#labels.of("model", record.model ?? NO_MODEL);
    const labels = { model, class: record.class };
    this.#flow.requests.inc({ ...labels, outcome: record.outcome });
    if (record.tenant !== null) this.#observeTenant(record.tenant, record);
    const { queuedMs, dispatchedMs, firstTokenMs, outputTokens } = record;
    if (queuedMs !== null && dispatchedMs !== null) {
      this.#flow.queueWait.observe(labels, (dispatchedMs - queuedMs) / 1000);
    }
    if (firstTokenMs !== null) {
      this.#flow.firstToken.observe(labels, (firstTokenMs - record.arrivedMs) / 1000);
    }
    if (record.outcome !== "completed") return;
    this.#flow.promptTokens.inc({ model }, record.promptTokens);
    this.#flow.outputTokens.inc({ model }, outputTokens);
    if (firstTokenMs === null || outputTokens < 2) return;
    const seconds = (record.endedMs - firstTokenMs) / 1000;
    this.#flow.perOutputToken.observe({ model }, seconds / (outputTokens - 1));
  }

  #observeTenant(name: string, { outcome, promptTokens, outputTokens }: StageRecord): void {
    const tenant = this.#labels.of("tenant", name);
    this.#flow.tenantRequests.inc({ tenant, outcome });
    if (outcome !== "completed") return;
    this.#flow.tenantTokens.inc({ tenant, kind: "prompt" }, promptTokens);
    this.#flow.tenantTokens.inc({ tenant, kind: "output" }, outputTokens);
  }

  /** A prediction is judged where one model did the whole work: else it was of something else. */
  #observeWorkflow(record: WorkflowRecord): void {
    this.#flow.workflows.inc({ end: record.end });
    const predicted = this.#predictedTokens.get(record.workflowId);
    this.#predictedTokens.delete(record.workflowId);
    const [model, ...others] = record.models;
    const isWhole = others.length === 0 && record.completedStages === record.stages;
    if (predicted === undefined || model === undefined || !isWhole) return;
    if (record.outputTokens === 0) return;
    const labels = { model: this.#labels.of("model", model) };
    this.#flow.predictionRatio.observe(labels, predicted / record.outputTokens);
  }

  #readView(): void {
    const view = this.#sources.view();
    const state = this.#state;
    state.openRequests.set(view.requests);
    state.strandedRequests.set(view.stranded);
    state.openWorkflows.set(view.workflows);
    for (const [priorityClass, requests] of Object.entries(view.queuedByClass)) {
      state.queued.set({ class: priorityClass }, requests);
    }
    // Engines that were removed leave no gauge behind.
    for (const gauge of [state.waiting, state.running, state.predictedTokens]) gauge.reset();
    state.engineState.reset();
    for (const engine of view.engines) this.#readEngine(engine);
  }

  /** Beyond the cap, engines are summed under `other`. */
  #readEngine(engine: EngineSummary): void {
    const labels = {
      engine: this.#labels.of("engine", engine.name),
      model: this.#labels.of("model", engine.model),
    };
    this.#state.waiting.inc(labels, engine.waiting);
    this.#state.running.inc(labels, engine.running);
    this.#state.predictedTokens.inc(labels, engine.inFlightTokens);
    for (const state of ENGINE_STATES) {
      this.#state.engineState.inc({ ...labels, state }, state === engine.state ? 1 : 0);
    }
    const growth = this.#growth(`promotions ${engine.name}`, engine.promotions);
    this.#state.promotions.inc(labels, growth);
  }

  #readStore(): void {
    const store = this.#sources.store();
    if (store === null) return;
    this.#state.rowsPending.set(store.pendingRows);
    for (const [table, rows] of Object.entries(store.written)) {
      this.#state.rowsWritten.inc({ table }, this.#growth(`written ${table}`, rows));
    }
    for (const [table, reasons] of Object.entries(store.dropped)) {
      for (const [reason, rows] of Object.entries(reasons)) {
        const growth = this.#growth(`dropped ${table} ${reason}`, rows);
        this.#state.rowsDropped.inc({ table, reason }, growth);
      }
    }
  }

  #readPredictor(): void {
    const predictor = this.#sources.predictor?.() ?? null;
    if (predictor === null) return;
    const { predictorRequests, predictorRestarts, predictorSwaps } = this.#state;
    for (const fate of ["predicted", "late", "refused", "failed"] as const) {
      predictorRequests.inc({ fate }, this.#growth(`predictor ${fate}`, predictor[fate]));
    }
    predictorRestarts.inc(this.#growth("predictor restarts", predictor.restarts));
    const { swaps, swapsRefused } = predictor;
    predictorSwaps.inc({ result: "taken" }, this.#growth("predictor swaps", swaps));
    predictorSwaps.inc({ result: "refused" }, this.#growth("predictor refusals", swapsRefused));
  }

  /** How much a counter kept elsewhere has grown since it was last read; it may have started anew. */
  #growth(counter: string, reading: number): number {
    const last = this.#readings.get(counter) ?? 0;
    if (!this.#readings.has(counter) && this.#readings.size >= READINGS_MAX) return 0;
    this.#readings.set(counter, reading);
    return reading >= last ? reading - last : reading;
  }
}
