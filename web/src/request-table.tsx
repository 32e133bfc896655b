import type { VNode } from "preact";
import type { RequestList, RequestRow } from "../../src/gateway/ui-request.ts";
import { RULE_NAMES, statusName } from "../../src/observe/explanation.ts";
import { formatAge, formatCount, formatSpan } from "../../src/observe/number-format.ts";

export interface RequestTableProps {
  readonly list: RequestList;
  readonly open: (requestId: string) => void;
}

/** Rows drawn; the list may be longer. */
const ROWS_MAX = 50;

export function RequestTable({ list, open }: RequestTableProps): VNode {
  return (
    <div class="scroll">
      <table>
        <thead>
          <tr>
            <th>Workflow</th>
            <th>Model</th>
            <th>Rule</th>
            <th class="number">Wait</th>
            <th class="number">Predicted → actual tokens</th>
            <th>Outcome</th>
            <th class="number">Ended</th>
          </tr>
        </thead>
        <tbody>
          {list.requests.slice(0, ROWS_MAX).map((row) => (
            <Row key={row.requestId} row={row} nowMs={list.nowMs} open={open} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface RowProps {
  readonly row: RequestRow;
  readonly nowMs: number;
  readonly open: (requestId: string) => void;
}

function Row({ row, nowMs, open }: RowProps): VNode {
  const show = (): void => open(row.requestId);
  return (
    <tr onClick={show} data-request={row.requestId}>
      <th scope="row">
        <button type="button" title={row.workflowId}>
          <span class="id">{shortened(row.workflowId)}</span>
          {row.stage !== null && <small>stage {row.stage + 1}</small>}
        </button>
      </th>
      <td>
        {row.model ?? "–"}
        {row.engine !== null && row.engine !== row.model && <small>{row.engine}</small>}
      </td>
      <td>{row.rule === null ? "–" : RULE_NAMES[row.rule]}</td>
      <td class="number">{formatSpan(row.waitMs)}</td>
      <td class="number">
        {row.predictedTokens === null && row.outputTokens === null
          ? "–"
          : `${formatCount(row.predictedTokens)} → ${formatCount(row.outputTokens)}`}
      </td>
      <td>
        <span class="pill" data-tone={toneOf(row.status)}>
          {statusName(row.status)}
        </span>
      </td>
      <td class="number age">{formatAge(row.endedMs === null ? null : nowMs - row.endedMs)}</td>
    </tr>
  );
}

const ID_CHARACTERS_MAX = 18;

export function shortened(id: string): string {
  return id.length <= ID_CHARACTERS_MAX ? id : `${id.slice(0, ID_CHARACTERS_MAX - 1)}…`;
}

export function toneOf(status: RequestRow["status"]): "good" | "calm" | "warn" | "bad" {
  if (status === "completed") return "good";
  if (status === "running" || status === "waiting") return "calm";
  return status === "client-gone" || status === "refused" ? "warn" : "bad";
}
