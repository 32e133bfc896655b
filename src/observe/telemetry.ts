import type { Span, SpanContext, Tracer } from "@opentelemetry/api";
import type { Command, StageRecord, WorkflowRecord } from "../core/command.ts";
import type { TelemetryExport } from "./telemetry-export.ts";
import { TelemetryMetrics } from "./telemetry-metrics.ts";
import { arrivalAttributes, endAttributes, workflowAttributes } from "./telemetry-names.ts";
import type { ArrivedStage, TelemetryPort } from "./telemetry-port.ts";
import { formatTraceparent, parseTraceparent } from "./trace-context.ts";

interface OpenStage {
  readonly span: Span;
  readonly stage: ArrivedStage;
}

interface OpenWorkflow {
  readonly span: Span;
  /** Without the time for which nothing came any more. */
  lastEndMs: number;
}

/** Workflows whose span is open; the oldest are closed. */
const WORKFLOWS_MAX = 10_000;

/**
 * Traces by OpenTelemetry: one span a stage and one a workflow. A stage that comes with a trace of its
 * client belongs there and is linked to its workflow; else it stands below the workflow. Only watches:
 * nothing waits for it, and what the collector does not take is dropped.
 */
export class Telemetry implements TelemetryPort {
  readonly #export: TelemetryExport;
  readonly #tracer: Tracer;
  readonly #metrics: TelemetryMetrics;
  readonly #clockZeroUnixMs: number;
  readonly #stages = new Map<string, OpenStage>();
  readonly #workflows = new Map<string, OpenWorkflow>();

  /** `clockZeroUnixMs`: the time at which the clock of the records was 0. */
  constructor(exported: TelemetryExport, clockZeroUnixMs: number) {
    this.#export = exported;
    this.#tracer = exported.tracer;
    this.#metrics = new TelemetryMetrics(exported.meter);
    this.#clockZeroUnixMs = clockZeroUnixMs;
  }

  /** A request goes to the core now. Returns the trace context that its engine is sent. */
  arrived(stage: ArrivedStage): Record<string, string> {
    const { api } = this.#export;
    const workflow = this.#workflowOf(stage);
    const client = this.#clientContext(stage);
    const below = client ?? workflow.spanContext();
    const parent = api.trace.setSpanContext(api.ROOT_CONTEXT, below);
    const span = this.#tracer.startSpan(
      `${stage.operation} ${stage.model}`,
      {
        kind: api.SpanKind.SERVER,
        startTime: this.#time(stage.arrivedMs),
        attributes: arrivalAttributes(stage),
        links: client === null ? [] : [{ context: workflow.spanContext() }],
      },
      parent,
    );
    this.#stages.set(stage.requestId, { span, stage });
    const { tracestate } = stage;
    return {
      traceparent: formatTraceparent(span.spanContext()),
      ...(client === null || tracestate === undefined ? {} : { tracestate }),
    };
  }

  observeCommand(command: Command): void {
    if (command.type === "record-stage") this.#endStage(command);
    if (command.type === "record-workflow") this.#endWorkflow(command);
  }

  /** Sends what is there, within a bound of time. Idempotent. */
  close(): Promise<void> {
    for (const { span } of this.#stages.values()) span.end();
    for (const id of this.#workflows.keys()) this.#closeWorkflow(id);
    this.#stages.clear();
    return this.#export.close();
  }

  #endStage(record: StageRecord): void {
    const open = this.#stages.get(record.requestId);
    if (open === undefined) return;
    this.#stages.delete(record.requestId);
    const { span, stage } = open;
    const moments = {
      queued: record.queuedMs,
      dispatched: record.dispatchedMs,
      "first token": record.firstTokenMs,
    };
    for (const [name, ms] of Object.entries(moments)) {
      if (ms !== null) span.addEvent(name, this.#time(ms));
    }
    span.setAttributes(endAttributes(record));
    if (record.outcome !== "completed") {
      span.setStatus({ code: this.#export.api.SpanStatusCode.ERROR, message: record.outcome });
    }
    span.end(this.#time(record.endedMs));
    const workflow = this.#workflows.get(record.workflowId);
    if (workflow !== undefined) workflow.lastEndMs = record.endedMs;
    this.#metrics.observe(stage.operation, record);
  }

  #endWorkflow(record: WorkflowRecord): void {
    this.#workflows.get(record.workflowId)?.span.setAttributes(workflowAttributes(record));
    this.#closeWorkflow(record.workflowId);
  }

  #closeWorkflow(id: string): void {
    const open = this.#workflows.get(id);
    this.#workflows.delete(id);
    open?.span.end(this.#time(open.lastEndMs));
  }

  #workflowOf({ workflowId, shownWorkflowId, kind, arrivedMs }: ArrivedStage): Span {
    const known = this.#workflows.get(workflowId);
    if (known !== undefined) return known.span;
    const { api } = this.#export;
    const span = this.#tracer.startSpan(
      `invoke_workflow ${kind}`,
      {
        kind: api.SpanKind.INTERNAL,
        startTime: this.#time(arrivedMs),
        attributes: {
          "gen_ai.operation.name": "invoke_workflow",
          "gen_ai.workflow.name": kind,
          "gen_ai.conversation.id": shownWorkflowId,
        },
      },
      api.ROOT_CONTEXT,
    );
    this.#workflows.set(workflowId, { span, lastEndMs: arrivedMs });
    const [oldest] = this.#workflows.keys();
    if (this.#workflows.size > WORKFLOWS_MAX && oldest !== undefined) this.#closeWorkflow(oldest);
    return span;
  }

  #clientContext({ traceparent, tracestate }: ArrivedStage): SpanContext | null {
    const place = parseTraceparent(traceparent);
    if (place === null) return null;
    const state =
      tracestate === undefined ? undefined : this.#export.api.createTraceState(tracestate);
    return { ...place, isRemote: true, ...(state === undefined ? {} : { traceState: state }) };
  }

  /** Seconds and nanoseconds of the epoch. */
  #time(ms: number): [number, number] {
    const unixMs = this.#clockZeroUnixMs + ms;
    const seconds = Math.floor(unixMs / 1000);
    return [seconds, Math.round((unixMs - seconds * 1000) * 1e6)];
  }
}
