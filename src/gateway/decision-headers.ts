import type { Dispatch } from "../core/command.ts";
import type { HeaderList } from "./header-list.ts";

const PLAIN = /^[\x20-\x7e]*$/;

/** What headers can carry without being refused by Node: printable ASCII; the rest is percent-encoded. */
export function headerText(text: string): string {
  if (PLAIN.test(text)) return text;
  return text.replaceAll(/[^\x20-\x7e]/gu, (character) =>
    [...Buffer.from(character)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""),
  );
}

/** Where a request went and why, as response headers. Times in ms, lengths in tokens. */
export function decisionHeaders(dispatch: Dispatch, waitMs: number): HeaderList {
  const { decision, attempt } = dispatch;
  return [
    "x-chimera-model",
    headerText(decision.model),
    "x-chimera-engine",
    headerText(decision.engine),
    "x-chimera-confidence",
    decision.confidence.toFixed(3),
    "x-chimera-predicted-tokens",
    decision.remainingTokens.toFixed(0),
    "x-chimera-queue-wait-ms",
    waitMs.toFixed(0),
    "x-chimera-rule",
    decision.rule,
    "x-chimera-attempts",
    String(attempt),
    "x-chimera-prediction",
    decision.prediction,
    "x-chimera-estimate-source",
    headerText(decision.estimateSource),
  ];
}
