import type { Attributes } from "@opentelemetry/api";
import type { StageRecord, WorkflowRecord } from "../core/command.ts";
import type { ArrivedStage, Operation } from "./telemetry-port.ts";

/** Names of spans and metrics: OpenTelemetry's GenAI conventions, and our own under `chimera.`. */
export function arrivalAttributes(stage: ArrivedStage): Attributes {
  return {
    "gen_ai.operation.name": stage.operation,
    "gen_ai.provider.name": "chimera",
    "gen_ai.request.model": stage.model,
    "gen_ai.conversation.id": stage.shownWorkflowId,
    "gen_ai.workflow.name": stage.kind,
    "chimera.request.id": stage.requestId,
  };
}

export function endAttributes(record: StageRecord): Attributes {
  const { decision, dispatchedMs, arrivedMs, outcome } = record;
  return {
    "chimera.stage": record.stage,
    "chimera.class": record.class,
    "chimera.outcome": outcome,
    "chimera.attempts": record.attempts,
    "gen_ai.usage.input_tokens": record.promptTokens,
    "gen_ai.usage.output_tokens": record.outputTokens,
    ...(record.model === null ? {} : { "gen_ai.response.model": record.model }),
    ...(record.engine === null ? {} : { "chimera.engine": record.engine }),
    ...(dispatchedMs === null ? {} : { "chimera.queue.wait": (dispatchedMs - arrivedMs) / 1000 }),
    ...(outcome === "completed" ? {} : { "error.type": outcome }),
    ...(decision === null
      ? {}
      : {
          "chimera.rule": decision.rule,
          "chimera.confidence": decision.confidence,
          "chimera.candidates": decision.candidates.map(({ engine }) => engine),
          "chimera.prediction": decision.prediction,
          "chimera.estimate.source": decision.estimateSource,
          "chimera.predicted.stage_tokens": decision.stageTokens,
          "chimera.predicted.remaining_tokens": decision.remainingTokens,
        }),
  };
}

export function workflowAttributes(record: WorkflowRecord): Attributes {
  return {
    "chimera.workflow.end": record.end,
    "chimera.workflow.stages": record.stages,
    "chimera.workflow.models": [...record.models],
    "gen_ai.usage.output_tokens": record.outputTokens,
    ...(record.score === null ? {} : { "chimera.workflow.score": record.score }),
  };
}

/** Labels of metrics: never an id. */
export function metricAttributes(operation: Operation, record: StageRecord): Attributes {
  return {
    "gen_ai.operation.name": operation,
    "gen_ai.provider.name": "chimera",
    "gen_ai.request.model": record.pool,
    ...(record.model === null ? {} : { "gen_ai.response.model": record.model }),
    ...(record.outcome === "completed" ? {} : { "error.type": record.outcome }),
  };
}
