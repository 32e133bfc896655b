import { z } from "zod";

import type { Estimate } from "../core/types.ts";

const tokens: z.ZodType<number> = z.number().nonnegative();
const schema: z.ZodType<Estimate[]> = z.array(
  z.object({
    model: z.string(),
    confidence: z.number().min(0).max(1),
    remainingMean: tokens,
    remainingMedian: tokens,
    remainingRange: z.tuple([tokens, tokens]).exactOptional(),
    stageTokens: tokens,
    source: z.string(),
  }),
);

/** A model is not trusted: one sound estimate per model asked for, in that order, or null. */
export function soundEstimates(answer: unknown, models: readonly string[]): Estimate[] | null {
  const estimates = schema.safeParse(answer).data ?? [];
  const isFor = ({ model }: Estimate, index: number): boolean => model === models[index];
  return estimates.length === models.length && estimates.every(isFor) ? estimates : null;
}
