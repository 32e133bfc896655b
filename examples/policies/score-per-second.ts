import type { PolicyModule } from "../../src/config/policy-file.ts";

/** A request goes where it buys the most confidence for a second of its time; queues run the shortest rest first, aged. */
const policy: PolicyModule = {
  name: "score-per-second",
  settings: { ageScale: 10 },
  valueFor: ({ confidence, waitMs, ownMs, delayMs }) =>
    confidence / (1 + (waitMs + ownMs + delayMs) / 1000),
  priorityFor: ({ remainingTokens, ageReading }) =>
    Math.log(Math.max(1, remainingTokens)) + ageReading,
};

export default policy;
