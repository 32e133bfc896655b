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
import { type Buckets, Families } from "./family.ts";
import { LabelCap } from "./label-cap.ts";

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
const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";
const ENGINE_STATES: readonly EngineState[] = ["live", "draining", "dead", "removed"];

/**
 * Counts what the core's events and commands tell, and shows it in Prometheus' text form. Only
 * watches: nothing here reaches back into a decision. Labels never hold ids.
 */
export class Metrics {
  readonly #families = new Families();
  readonly #flow: FlowFamilies = createFlowFamilies(this.#families);
  readonly #decisionTime: Buckets = this.#flow.decisionTime.of();
  readonly #overhead: Buckets = this.#flow.overhead.of();
  readonly #state: StateFamilies = createStateFamilies(this.#families);
  readonly #labels = new LabelCap(LABEL_VALUES_MAX);
  readonly #drift = new DriftFamilies(this.#families, this.#labels);
  readonly #sources: MetricsSources;
  #predictedTokens = new Map<string, number>();
  /** Those that came before. */
  #earlierTokens = new Map<string, number>();
  /** Readings of counters that others keep, to count on from; by family and labels. */
  readonly #readings = new Map<string, number>();

  constructor(sources: MetricsSources) {
    this.#sources = sources;
  }

  get contentType(): string {
    return CONTENT_TYPE;
  }

  observeEvent(event: Event): void {
    if (event.type === "request-arrived") this.#flow.admissions.of(event.class).add();
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
    this.#decisionTime.observe(ms / 1000);
  }

  /** Time that a request spent in the gateway itself. */
  observeOverheadMs(ms: number): void {
    this.#overhead.observe(ms / 1000);
  }

  /** A request was refused because its key had used up one of its limits. */
  observeRefusal(tenant: string, limit: string): void {
    this.#flow.tenantRefusals.of(this.#labels.of("tenant", tenant), limit).add();
  }

  /** Everything, in Prometheus' text form, with the state as it is now. */
  async text(): Promise<string> {
    this.#readView();
    this.#readStore();
    this.#readPredictor();
    this.#drift.read(this.#sources.drift?.() ?? []);
    // Loaded when it is first asked for; what it watches is counted from then on.
    const { processMetrics } = await import("./process-metrics.ts");
    return `${this.#families.text()}${await processMetrics().metrics()}`;
  }

  #observeDispatch({ decision }: Dispatch): void {
    const model = this.#labels.of("model", decision.model);
    this.#flow.dispatches.of(this.#labels.of("engine", decision.engine), model).add();
    this.#flow.decisions.of(decision.rule, model).add();
    this.#flow.predictions.of(decision.prediction).add();
    if (decision.stage > 0) return;
    this.#predictedTokens.set(decision.workflowId, decision.remainingTokens);
    if (this.#predictedTokens.size < PREDICTIONS_MAX / 2) return;
    this.#earlierTokens = this.#predictedTokens;
    this.#predictedTokens = new Map();
  }

  #observeStage(record: StageRecord): void {
    const model = this.#labels.of("model", record.model ?? NO_MODEL);
    this.#flow.requests.of(model, record.class, record.outcome).add();
    if (record.tenant !== null) this.#observeTenant(record.tenant, record);
    const { queuedMs, dispatchedMs, firstTokenMs, outputTokens } = record;
    if (queuedMs !== null && dispatchedMs !== null) {
      this.#flow.queueWait.of(model, record.class).observe((dispatchedMs - queuedMs) / 1000);
    }
    if (firstTokenMs !== null) {
      this.#flow.firstToken
        .of(model, record.class)
        .observe((firstTokenMs - record.arrivedMs) / 1000);
    }
    if (record.outcome !== "completed") return;
    this.#flow.promptTokens.of(model).add(record.promptTokens);
    this.#flow.outputTokens.of(model).add(outputTokens);
    if (firstTokenMs === null || outputTokens < 2) return;
    const seconds = (record.endedMs - firstTokenMs) / 1000;
    this.#flow.perOutputToken.of(model).observe(seconds / (outputTokens - 1));
  }

  #observeTenant(name: string, { outcome, promptTokens, outputTokens }: StageRecord): void {
    const tenant = this.#labels.of("tenant", name);
    this.#flow.tenantRequests.of(tenant, outcome).add();
    if (outcome !== "completed") return;
    this.#flow.tenantTokens.of(tenant, "prompt").add(promptTokens);
    this.#flow.tenantTokens.of(tenant, "output").add(outputTokens);
  }

  /** A prediction is judged where one model did the whole work: else it was of something else. */
  #observeWorkflow(record: WorkflowRecord): void {
    this.#flow.workflows.of(record.end).add();
    const { workflowId } = record;
    const predicted = this.#predictedTokens.get(workflowId) ?? this.#earlierTokens.get(workflowId);
    this.#predictedTokens.delete(workflowId);
    this.#earlierTokens.delete(workflowId);
    const [model, ...others] = record.models;
    const isWhole = others.length === 0 && record.completedStages === record.stages;
    if (predicted === undefined || model === undefined || !isWhole) return;
    if (record.outputTokens === 0) return;
    const name = this.#labels.of("model", model);
    this.#flow.predictionRatio.of(name).observe(predicted / record.outputTokens);
  }

  #readView(): void {
    const view = this.#sources.view();
    const state = this.#state;
    state.openRequests.of().set(view.requests);
    state.strandedRequests.of().set(view.stranded);
    state.openWorkflows.of().set(view.workflows);
    for (const [priorityClass, requests] of Object.entries(view.queuedByClass)) {
      state.queued.of(priorityClass).set(requests);
    }
    // Engines that were removed leave no gauge behind.
    for (const gauge of [state.waiting, state.running, state.predictedTokens]) gauge.reset();
    state.engineState.reset();
    for (const engine of view.engines) this.#readEngine(engine);
  }

  /** Beyond the cap, engines are summed under `other`. */
  #readEngine(engine: EngineSummary): void {
    const name = this.#labels.of("engine", engine.name);
    const model = this.#labels.of("model", engine.model);
    this.#state.waiting.of(name, model).add(engine.waiting);
    this.#state.running.of(name, model).add(engine.running);
    this.#state.predictedTokens.of(name, model).add(engine.inFlightTokens);
    for (const state of ENGINE_STATES) {
      this.#state.engineState.of(name, model, state).add(state === engine.state ? 1 : 0);
    }
    const growth = this.#growth(`promotions ${engine.name}`, engine.promotions);
    this.#state.promotions.of(name, model).add(growth);
  }

  #readStore(): void {
    const store = this.#sources.store();
    if (store === null) return;
    this.#state.rowsPending.of().set(store.pendingRows);
    for (const [table, rows] of Object.entries(store.written)) {
      this.#state.rowsWritten.of(table).add(this.#growth(`written ${table}`, rows));
    }
    for (const [table, reasons] of Object.entries(store.dropped)) {
      for (const [reason, rows] of Object.entries(reasons)) {
        const growth = this.#growth(`dropped ${table} ${reason}`, rows);
        this.#state.rowsDropped.of(table, reason).add(growth);
      }
    }
  }

  #readPredictor(): void {
    const predictor = this.#sources.predictor?.() ?? null;
    if (predictor === null) return;
    const { predictorRequests, predictorRestarts, predictorSwaps } = this.#state;
    for (const fate of ["predicted", "late", "refused", "failed"] as const) {
      predictorRequests.of(fate).add(this.#growth(`predictor ${fate}`, predictor[fate]));
    }
    predictorRestarts.of().add(this.#growth("predictor restarts", predictor.restarts));
    const { swaps, swapsRefused } = predictor;
    predictorSwaps.of("taken").add(this.#growth("predictor swaps", swaps));
    predictorSwaps.of("refused").add(this.#growth("predictor refusals", swapsRefused));
  }

  /** How much a counter kept elsewhere has grown since it was last read; it may have started anew. */
  #growth(counter: string, reading: number): number {
    const last = this.#readings.get(counter) ?? 0;
    if (!this.#readings.has(counter) && this.#readings.size >= READINGS_MAX) return 0;
    this.#readings.set(counter, reading);
    return reading >= last ? reading - last : reading;
  }
}
