import { z } from "zod";

import type { ConfidenceState } from "./confidence.ts";
import type { GroupState } from "./group-table.ts";
import type { LengthSeriesState } from "./length-series.ts";

/** All that a cold-start estimator has learned, as JSON. */
export interface ColdStartSnapshot {
  readonly version: 1;
  readonly groups: readonly GroupState[];
  readonly confidence: ConfidenceState;
}

/** Null where it is not a snapshot of this version. */
export function parseSnapshot(json: unknown): ColdStartSnapshot | null {
  return schema.safeParse(json).data ?? null;
}

const number: z.ZodType<number> = z.number();
const notNegative: z.ZodType<number> = z.number().nonnegative();
const series: z.ZodType<LengthSeriesState> = z.object({
  tokens: z.array(z.int().nonnegative()),
  trend: z.tuple([
    notNegative,
    number,
    number,
    number,
    notNegative,
    number,
    notNegative,
    number,
    number,
  ]),
});
const tally = z
  .object({ weight: z.number().nonnegative(), sum: z.number().nonnegative() })
  .refine(({ weight, sum }) => sum <= weight);
const tallies: z.ZodType<ConfidenceState["overall"]> = z.array(z.tuple([z.string(), tally]));
const schema: z.ZodType<ColdStartSnapshot> = z.object({
  version: z.literal(1),
  groups: z.array(z.object({ key: z.string(), stage: series, remaining: series })),
  confidence: z.object({ overall: tallies, byKind: tallies }),
});
