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

/** The predicted rest that the order goes by. */
function orderedTokensOf(state: State, estimate: Estimate): number {
  const { orderBy } = state.options.policy;
  if (orderBy === "choice") return remainingTokensOf(state, estimate);
  const { remainingMedian, remainingMean, remainingRange } = estimate;
  const tokens = orderBy === "median" ? remainingMedian : (remainingRange?.[1] ?? remainingMean);
  return tokens > 0 ? tokens : 0;
}

/** Sets the priority under which the request would be queued with this estimate; the rest of its key stays. */
export function setKey(state: State, request: RequestBook, estimate: Estimate): void {
  const { workflow, entry } = request;
  const { order, own } = state.options.policy;
  const facts = {
    workflowArrivalMs: workflow.arrivedMs,
    stageTokens: estimate.stageTokens > 0 ? estimate.stageTokens : 0,
    remainingTokens: orderedTokensOf(state, estimate),
    producedTokens: workflow.producedTokens,
    attainedTokens: request.tokensSeen,
    promptTokens: request.arrived.promptTokens,
    ageReading: workflow.ageReading,
  };
  entry.priority = priorityOf(order, facts, own);
}
