import type { Decision } from "../core/types.ts";
import type { RequestDetail } from "../gateway/ui-request.ts";
import { explain, RULE_NAMES, statusName, verdictOf } from "../observe/explanation.ts";
import { formatCount, formatShare, formatSpan } from "../observe/number-format.ts";
import { textTable } from "./text-table.ts";

/** One request as lines of text: why, the candidates, what was predicted and what came, when. */
export function explanationLines(request: RequestDetail): string[] {
  const { requestId, workflowId, decision, outcome } = request;
  const stage = decision === null ? "a stage" : `stage ${decision.stage + 1}`;
  const state = outcome ?? (decision === null ? "waiting" : "running");
  return [
    `request ${requestId}, ${stage} of workflow ${workflowId}: ${statusName(state)}`,
    ...(decision === null
      ? ["no engine has it: the decision is told with the dispatch"]
      : decisionLines(decision)),
    "",
    ...comparisonLines(request),
    "",
    ...timelineLines(request),
  ];
}

/** A workflow in sum, from the requests of it that are known. */
export function workflowLines(requests: readonly RequestDetail[]): string[] {
  const first = requests[0]?.decision;
  const outputTokens = sum(requests.map((each) => each.outputTokens ?? 0));
  const waitMs = sum(requests.map((each) => between(each.arrivedMs, each.dispatchedMs) ?? 0));
  const predicted = first?.stage === 0 ? first.remainingTokens : null;
  return [
    `${requests.length} requests: ${formatCount(outputTokens)} output tokens, ` +
      `predicted at the first stage ${formatCount(predicted)}; waited ${formatSpan(waitMs)} in all`,
  ];
}

function decisionLines(decision: Decision): string[] {
  const heading = [
    "candidate",
    "model",
    "confidence",
    "running",
    "waiting",
    "wait",
    "own work",
    "delay",
    "value",
    "result",
  ];
  const rows = decision.candidates.map((candidate) => [
    candidate.engine,
    candidate.model,
    formatShare(candidate.confidence),
    formatCount(candidate.running),
    formatCount(candidate.waiting),
    formatSpan(candidate.waitMs),
    formatSpan(candidate.ownMs),
    formatSpan(candidate.delayMs),
    candidate.value.toFixed(3),
    verdictOf(candidate, decision),
  ]);
  return [
    `${decision.engine}: ${RULE_NAMES[decision.rule]}`,
    explain(decision),
    "",
    ...textTable([heading, ...rows], (column) => column > 1 && column < heading.length - 1),
  ];
}

function comparisonLines({ decision, promptTokens, outputTokens }: RequestDetail): string[] {
  const rows = [
    ["tokens", "predicted", "actual"],
    ["this stage", formatCount(decision?.stageTokens ?? null), formatCount(outputTokens)],
    ["from here on", formatCount(decision?.remainingTokens ?? null), ""],
    ["prompt", "", formatCount(promptTokens)],
  ];
  return textTable(rows, (column) => column > 0);
}

/** Each moment with the time since the arrival. */
function timelineLines(request: RequestDetail): string[] {
  const { arrivedMs, outcome, attempts } = request;
  if (arrivedMs === null) return ["timeline: told when the request has ended"];
  const ended = outcome === null ? "ended" : statusName(outcome);
  const tries = attempts !== null && attempts > 1 ? `, attempt ${attempts}` : "";
  const moments: [number | null, string][] = [
    [arrivedMs, "arrived"],
    [request.queuedMs, "queued"],
    [request.dispatchedMs, `dispatched to ${request.decision?.engine ?? "an engine"}${tries}`],
    [request.firstTokenMs, "first token"],
    [request.endedMs, ended],
  ];
  const rows = moments.flatMap(([ms, name]) =>
    ms === null ? [] : [[formatSpan(ms - arrivedMs), name]],
  );
  return textTable([["after", "what"], ...rows], (column) => column === 0);
}

function between(fromMs: number | null, toMs: number | null): number | null {
  return fromMs === null || toMs === null ? null : toMs - fromMs;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
