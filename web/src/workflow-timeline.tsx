import type { VNode } from "preact";
import type { StageLine } from "../../src/gateway/ui-workflow.ts";
import { getWorkflow, type TimedWorkflow } from "./api.ts";
import { statusName } from "../../src/observe/explanation.ts";
import { formatCount, formatShare, formatSpan } from "../../src/observe/number-format.ts";
import { toneOf } from "./request-table.tsx";
import { type Segment, segmentsOf, spanOf } from "./stage-segments.ts";
import { usePolled } from "./use-polled.ts";

export interface WorkflowTimelineProps {
  readonly workflowId: string;
  readonly apiKey: string;
  readonly visible: boolean;
  readonly open: (requestId: string) => void;
}

const POLL_MS = 1_000;

/** One workflow: each stage as a bar over the workflow's time. */
export function WorkflowTimeline(props: WorkflowTimelineProps): VNode {
  const { workflowId, apiKey, visible, open } = props;
  const detail = usePolled(
    (signal) => getWorkflow(workflowId, apiKey, signal),
    visible ? POLL_MS : null,
    [workflowId, apiKey],
  );
  return (
    <section class="card timeline" aria-labelledby="timeline-title">
      <h2 id="timeline-title">
        Workflow <span class="id">{workflowId}</span>
      </h2>
      {detail === null ? (
        <p class="empty">Loading …</p>
      ) : (
        <>
          <p class="legend">
            <Totals detail={detail} />
            <i data-part="wait" /> wait <i data-part="first" /> to the first token{" "}
            <i data-part="write" /> writing
          </p>
          <StageTable detail={detail} open={open} />
        </>
      )}
    </section>
  );
}

function Totals({ detail }: { readonly detail: TimedWorkflow }): VNode {
  const { predictedTokens, outputTokens, score } = detail.workflow;
  const [fromMs, toMs] = spanOf(detail.stages, detail.nowMs);
  return (
    <span>
      {formatSpan(toMs - fromMs)}, {formatCount(predictedTokens)} tokens predicted,{" "}
      {formatCount(outputTokens)} written
      {score !== null && `, score ${formatShare(score)}`}
    </span>
  );
}

interface StageTableProps {
  readonly detail: TimedWorkflow;
  readonly open: (requestId: string) => void;
}

function StageTable({ detail, open }: StageTableProps): VNode {
  const span = spanOf(detail.stages, detail.nowMs);
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label="Stages">
      <table>
        <thead>
          <tr>
            <th>Stage</th>
            <th>Model</th>
            <th>Time</th>
            <th class="number">Wait</th>
            <th class="number">First token</th>
            <th class="number">Writing</th>
            <th class="number">Predicted → actual tokens</th>
            <th>Outcome</th>
          </tr>
        </thead>
        <tbody>
          {detail.stages.map((stage, index) => (
            <StageRow
              key={stage.requestId}
              number={(stage.stage ?? index) + 1}
              {...{ stage, open, segments: segmentsOf(stage, span) }}
            />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface StageRowProps {
  readonly number: number;
  readonly stage: StageLine;
  readonly segments: readonly Segment[];
  readonly open: (requestId: string) => void;
}

function StageRow({ number, stage, segments, open }: StageRowProps): VNode {
  const { arrivedMs, dispatchedMs, firstTokenMs, endedMs, status } = stage;
  return (
    <tr data-stage={number}>
      <th scope="row">
        <button type="button" onClick={() => open(stage.requestId)}>
          {number}
        </button>
      </th>
      <td>
        {stage.model ?? "–"}
        {stage.engine !== null && stage.engine !== stage.model && <small>{stage.engine}</small>}
      </td>
      <td class="track">
        <div aria-hidden="true">
          {segments.map(({ part, from, share }) => (
            <i
              key={part}
              data-part={part}
              style={{ "--from": String(from), "--share": String(share) }}
            />
          ))}
        </div>
      </td>
      <td class="number">{formatSpan(between(arrivedMs, dispatchedMs))}</td>
      <td class="number">{formatSpan(between(dispatchedMs, firstTokenMs))}</td>
      <td class="number">{formatSpan(between(firstTokenMs, endedMs))}</td>
      <td class="number">
        {formatCount(stage.predictedTokens)} → {formatCount(stage.outputTokens)}
      </td>
      <td>
        <span class="pill" data-tone={toneOf(status)}>
          {statusName(status)}
        </span>
      </td>
    </tr>
  );
}

function between(fromMs: number | null, toMs: number | null): number | null {
  return fromMs === null || toMs === null ? null : toMs - fromMs;
}
