import type { Command } from "../core/command.ts";

/** What watches requests for a tracing system; free of its libraries' types. Calls never throw. */
export interface TelemetryPort {
  /** A request goes to the core now. Returns the trace context that its engine is sent. */
  arrived(stage: ArrivedStage): Record<string, string>;
  observeCommand(command: Command): void;
  /** Idempotent. */
  close(): Promise<void>;
}

/** What the telemetry is told of a request when it comes. */
export interface ArrivedStage {
  readonly requestId: string;
  readonly workflowId: string;
  /** As the client knows it. */
  readonly shownWorkflowId: string;
  /** Kind of workflow, such as "maths", or "unknown". */
  readonly kind: string;
  readonly operation: Operation;
  /** The model that the client asked for. */
  readonly model: string;
  /** W3C trace context of the client. */
  readonly traceparent: string | undefined;
  readonly tracestate: string | undefined;
  readonly arrivedMs: number;
}

/** `gen_ai.operation.name`. */
export type Operation = "chat" | "text_completion" | "embeddings";

/** By the path below the API's base that the engine is asked at. */
export function operationOf(path: string): Operation {
  if (path === "/embeddings") return "embeddings";
  return path === "/completions" ? "text_completion" : "chat";
}
