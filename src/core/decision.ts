import { estimateFor, knobsOf, type Chosen } from "./route.ts";
import type { RequestBook, State } from "./state.ts";
import type { Decision, Rule } from "./types.ts";

/** The reasons of one choice as a value that outlives it (invariant 9). */
export function toDecision(
  state: State,
  request: RequestBook,
  chosen: Chosen,
  reason: { readonly rule: Rule; readonly movedFrom: string | null },
): Decision {
  const { best } = chosen;
  const { rule, movedFrom } = reason;
  const { policy } = state.options;
  const { price, slack, minGain } = knobsOf(state, request);
  const estimate = estimateFor(request, best.model);
  return {
    requestId: request.arrived.requestId,
    workflowId: request.workflow.id,
    stage: request.arrived.stage,
    timeMs: state.nowMs,
    choice: policy.choice,
    rule,
    engine: best.engine,
    model: best.model,
    confidence: best.confidence,
    remainingTokens: best.remainingTokens,
    stageTokens: estimate.stageTokens,
    estimateSource: estimate.source,
    prediction: request.prediction,
    movedFrom,
    price,
    slack,
    minGain,
    unloadedMs: chosen.unloadedMs,
    candidates: chosen.candidates,
  };
}
