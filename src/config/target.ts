import { z } from "zod";
import type { Target } from "../core/types.ts";
import { within } from "./schema-value.ts";

/** What the price moves to meet: a time per token or a score. */
export const targetSchema: z.ZodType<Target> = z
  .strictObject({
    msPerToken: within(
      0.01,
      1e6,
      "milliseconds of a workflow for each of its output tokens",
    ).optional(),
    score: within(0, 1, "mean of the reported scores").optional(),
  })
  .refine(
    ({ msPerToken, score }) => (msPerToken === undefined) !== (score === undefined),
    "give either msPerToken or score",
  );

/** `latency=40` (ms a token) or `score=0.6`, as the command line says it; null when it is neither. */
export function parseTarget(text: string): Target | null {
  const [, name, number] = /^(latency|score)=([0-9.]+)$/.exec(text) ?? [];
  if (name === undefined || number === undefined) return null;
  const key = name === "latency" ? "msPerToken" : "score";
  const parsed = targetSchema.safeParse({ [key]: Number(number) });
  return parsed.success ? parsed.data : null;
}
