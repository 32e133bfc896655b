import { priorityOf } from "./order.ts";
import type { RequestBook, State } from "./state.ts";
import type { Estimate } from "./types.ts";

/** Which prediction of the remaining tokens the policy goes by: auto and own rules price and order by the mean, the paper by the median. */
export function remainingTokensOf(state: State, estimate: Estimate): number {
  const { choice } = state.options.policy;
  const byMean = choice === "auto" || choice === "own";
  const tokens = byMean ? estimate.remainingMean : estimate.remainingMedian;
  return tokens > 0 ? tokens : 0;
}

/** Sets the priority under which the request would be queued with this estimate; the rest of its key stays. */
export function setKey(state: State, request: RequestBook, estimate: Estimate): void {
  const { workflow, entry } = request;
  const { order, own } = state.options.policy;
  const facts = {
    workflowArrivalMs: workflow.arrivedMs,
    stageTokens: estimate.stageTokens > 0 ? estimate.stageTokens : 0,
    remainingTokens: remainingTokensOf(state, estimate),
    producedTokens: workflow.producedTokens,
    attainedTokens: request.tokensSeen,
    promptTokens: request.arrived.promptTokens,
    ageReading: workflow.ageReading,
  };
  entry.priority = priorityOf(order, facts, own);
}
