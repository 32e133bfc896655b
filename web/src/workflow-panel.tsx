import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { WorkflowRow } from "../../src/gateway/ui-workflow.ts";
import { getWorkflows } from "./api.ts";
import {
  formatAge,
  formatCount,
  formatShare,
  formatSpan,
} from "../../src/observe/number-format.ts";
import { shortened } from "./request-table.tsx";
import { usePolled } from "./use-polled.ts";
import { WorkflowTimeline } from "./workflow-timeline.tsx";

export interface WorkflowPanelProps {
  readonly apiKey: string;
  readonly visible: boolean;
  /** Opens the decision of a request. */
  readonly open: (requestId: string) => void;
}

const POLL_MS = 2_000;

/** The newest workflows of the key, and the stages of one of them. */
export function WorkflowPanel({ apiKey, visible, open }: WorkflowPanelProps): VNode {
  const [chosen, setChosen] = useState<string | null>(null);
  const list = usePolled((signal) => getWorkflows(apiKey, signal), visible ? POLL_MS : null, [
    apiKey,
  ]);
  return (
    <>
      <section class="card requests" aria-labelledby="workflows-title">
        <h2 id="workflows-title">
          Recent workflows <small>choose one to see its stages</small>
        </h2>
        {list === null ? (
          <p class="empty">Loading …</p>
        ) : list.workflows.length === 0 ? (
          <p class="empty">None yet. Workflows show to the API key that ran them.</p>
        ) : (
          <div class="scroll short" tabIndex={0} role="group" aria-label="Workflows">
            <WorkflowTable rows={list.workflows} {...{ nowMs: list.nowMs, chosen, setChosen }} />
          </div>
        )}
      </section>
      {chosen !== null && (
        <WorkflowTimeline key={chosen} workflowId={chosen} {...{ apiKey, visible, open }} />
      )}
    </>
  );
}

interface WorkflowTableProps {
  readonly rows: readonly WorkflowRow[];
  readonly nowMs: number;
  readonly chosen: string | null;
  readonly setChosen: (workflowId: string) => void;
}

function WorkflowTable({ rows, nowMs, chosen, setChosen }: WorkflowTableProps): VNode {
  return (
    <table>
      <thead>
        <tr>
          <th>Workflow</th>
          <th>Models</th>
          <th class="number">Stages</th>
          <th class="number">Predicted → actual tokens</th>
          <th class="number">Waited</th>
          <th class="number">Took</th>
          <th class="number">Score</th>
          <th class="number">Ended</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr
            key={row.workflowId}
            data-workflow={row.workflowId}
            onClick={() => setChosen(row.workflowId)}
          >
            <th scope="row">
              <button type="button" title={row.workflowId} aria-pressed={row.workflowId === chosen}>
                <span class="id">{shortened(row.workflowId)}</span>
              </button>
            </th>
            <td>{row.models.join(", ") || "–"}</td>
            <td class="number">
              {row.stages}
              {row.open > 0 && <small>{row.open} open</small>}
              {row.failed > 0 && <small class="failed">{row.failed} failed</small>}
            </td>
            <td class="number">
              {formatCount(row.predictedTokens)} → {formatCount(row.outputTokens)}
            </td>
            <td class="number">{formatSpan(row.waitMs)}</td>
            <td class="number">{formatSpan(tookMs(row))}</td>
            <td class="number">{row.score === null ? "–" : formatShare(row.score)}</td>
            <td class="number age">
              {formatAge(row.endedMs === null ? null : nowMs - row.endedMs)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function tookMs({ startedMs, endedMs }: WorkflowRow): number | null {
  return startedMs === null || endedMs === null ? null : endedMs - startedMs;
}
