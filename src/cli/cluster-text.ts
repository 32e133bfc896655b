import { PRIORITY_CLASSES } from "../core/types.ts";
import type { EngineView, View } from "../core/view.ts";
import type { RequestList, RequestRow } from "../gateway/ui-request.ts";
import { RULE_NAMES, statusName } from "../observe/explanation.ts";
import { formatAge, formatCount, formatSpan } from "../observe/number-format.ts";
import { textTable } from "./text-table.ts";

/** What one look at a gateway showed. */
export interface Cluster {
  readonly state: View;
  readonly requests: RequestList;
}

/** The whole cluster as a page of a terminal. */
export function clusterPage(root: string, { state, requests }: Cluster): string[] {
  const { nowMs } = requests;
  return [
    `chimera at ${root}   ${totalsText(state)}   Ctrl-C ends`,
    "",
    ...textTable(
      [
        ["engine", "model", "state", "running", "of", "waiting", "tokens in flight"],
        ...state.engines.map(engineRow),
      ],
      (column) => column > 2,
    ),
    "",
    `waiting by class: ${classesText(state)}`,
    "",
    ...textTable(
      [
        ["request", "engine", "why", "status", "wait", "predicted", "actual", "ended"],
        ...requests.requests.map((row) => requestRow(row, nowMs)),
      ],
      (column) => column > 3,
    ),
  ];
}

/** The whole cluster in one line, for where there is no terminal. */
export function clusterLine(state: View): string {
  const engines = state.engines.map(
    ({ name, state: condition, running, maxSequences, waiting, inFlightTokens }) =>
      `${name} ${condition} ${running}/${maxSequences} +${waiting} ${inFlightTokens} tokens`,
  );
  return [totalsText(state), classesText(state), ...engines].join("; ");
}

function totalsText({ requests, workflows, stranded }: View): string {
  const lost = stranded > 0 ? `, ${stranded} without a live engine` : "";
  return `${formatCount(requests)} requests open${lost}, ${formatCount(workflows)} workflows`;
}

function classesText({ queuedByClass }: View): string {
  return PRIORITY_CLASSES.map((name) => `${name} ${queuedByClass[name]}`).join(", ");
}

function engineRow(engine: EngineView): string[] {
  return [
    engine.name,
    engine.model,
    engine.state,
    formatCount(engine.running),
    formatCount(engine.maxSequences),
    formatCount(engine.waiting),
    formatCount(engine.inFlightTokens),
  ];
}

function requestRow(row: RequestRow, nowMs: number): string[] {
  return [
    row.requestId,
    row.engine ?? "–",
    row.rule === null ? "–" : RULE_NAMES[row.rule],
    statusName(row.status),
    formatSpan(row.waitMs),
    formatCount(row.predictedTokens),
    formatCount(row.outputTokens),
    formatAge(row.endedMs === null ? null : nowMs - row.endedMs),
  ];
}
