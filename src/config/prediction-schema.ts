import { z } from "zod";

import type { PredictionConfig } from "./config.ts";
import { whole } from "./schema-value.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;

const modelFile = z
  .string()
  .min(1)
  .max(4096)
  .describe("the path of a model file, or null for none")
  .nullable()
  .default(null);

/** What predicts beyond the estimator that is always there, and its bounds. */
export const predictionSchema: z.ZodType<PredictionConfig> = z
  .strictObject({
    budgetMs: whole(0, MINUTE_MS, "milliseconds").default(20),
    lengthModel: modelFile,
    routerModel: modelFile,
    threads: whole(1, 64, "threads that predict").default(1),
    batchSizeMax: whole(1, 10_000, "requests").default(32),
    batchWaitMsMax: whole(0, MINUTE_MS, "milliseconds").default(1),
    requestsPendingMax: whole(1, 1e6, "requests").default(1024),
    batchMsMax: whole(1, HOUR_MS, "milliseconds").default(1_000),
    startMsMax: whole(1, HOUR_MS, "milliseconds").default(30_000),
    restartsMax: whole(0, 1_000, "threads that are replaced in restartWindowMs").default(5),
    restartWindowMs: whole(1, 24 * HOUR_MS, "milliseconds").default(MINUTE_MS),
  })
  .describe("a mapping such as { budgetMs: 20, lengthModel: length.model }")
  .prefault({});
