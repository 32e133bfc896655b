import { assert } from "./assert.ts";
import type { Order, OrderFacts, OwnRules } from "./types.ts";

/** Lowest level's quantum in tokens; each further level has four times the last (FastServe, skip-join). */
const MLFQ_QUANTUM_TOKENS = 64;
const MLFQ_RATIO = 4;
const MLFQ_LEVELS_MAX = 8;
/** Prompt tokens that cost about one output token, for the skip-join start level. */
export const PROMPT_TOKENS_PER_OUTPUT_TOKEN = 32;

/**
 * The priority under which a request is queued; smaller is sooner. It is computed once, when the
 * request is queued, and never re-sorted.
 *
 * - fcfs: 0, so that the ready time decides
 * - wffcfs: arrival of the workflow
 * - sjf, stjf: predicted tokens of the stage, of the whole rest (paper, section 4)
 * - plas: tokens the workflow has attained (Autellix 2502.13965)
 * - mlfq: skip-join level of attained work (FastServe 2305.05920)
 * - smith-age: log of Smith's index for the per-token metric plus the age of the workflow
 * - kv-cost: KV memory over the time of what is left, p d + d^2 / 2 with the prompt p and d tokens to
 *   come (Justitia 2510.17015)
 * - own: the policy's own rule
 */
export function priorityOf(order: Order, facts: OrderFacts, own?: OwnRules): number {
  switch (order) {
    case "fcfs":
      return 0;
    case "wffcfs":
      return facts.workflowArrivalMs;
    case "sjf":
      return facts.stageTokens;
    case "stjf":
      return facts.remainingTokens;
    case "plas":
      return facts.producedTokens + facts.attainedTokens;
    case "mlfq":
      return feedbackLevel(facts.attainedTokens, facts.promptTokens);
    case "smith-age": {
      const y = facts.remainingTokens;
      return Math.log(Math.max(1, y * (y + facts.producedTokens))) + facts.ageReading;
    }
    case "kv-cost":
      return facts.remainingTokens * (facts.promptTokens + facts.remainingTokens / 2);
    case "own": {
      const priority = own?.priorityFor?.(facts) ?? Number.NaN;
      assert(!Number.isNaN(priority), "order own: priorityFor gives a number");
      return priority;
    }
  }
}

/** The feedback level of a request: that of its attained tokens, started by what its prompt costs. */
export function feedbackLevel(attainedTokens: number, promptTokens: number): number {
  const start = promptTokens / PROMPT_TOKENS_PER_OUTPUT_TOKEN;
  let quantum = MLFQ_QUANTUM_TOKENS;
  let level = 0;
  while (level < MLFQ_LEVELS_MAX - 1 && Math.max(start, attainedTokens) >= quantum) {
    level++;
    quantum *= MLFQ_RATIO;
  }
  return level;
}
