import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type { Candidate, Decision } from "../../src/core/types.ts";
import type { RequestDetail } from "../../src/gateway/ui-request.ts";
import { getRequest } from "./api.ts";
import { Bar } from "./bar.tsx";
import { explain, RULE_NAMES, statusName, verdictOf } from "../../src/observe/explanation.ts";
import { formatCount, formatShare, formatSpan } from "../../src/observe/number-format.ts";
import { usePolled } from "./use-polled.ts";
import { WhatIfDecision } from "./what-if-decision.tsx";

export interface DecisionDialogProps {
  readonly requestId: string;
  readonly apiKey: string;
  readonly close: () => void;
}

const POLL_MS = 1_000;

/** One request: what was weighed, what was decided, what came of it. */
export function DecisionDialog({ requestId, apiKey, close }: DecisionDialogProps): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const detail = usePolled((signal) => getRequest(requestId, apiKey, signal), POLL_MS, [requestId]);
  // Through the dialog itself, which gives the focus back to where it was.
  const shut = (): void => dialog.current?.close();
  const shutOutside = (event: MouseEvent): void => {
    if (event.target === dialog.current) shut();
  };
  return (
    <dialog ref={dialog} onClose={close} onClick={shutOutside} aria-labelledby="decision-title">
      <article>
        <header>
          <h2 id="decision-title">{detail === null ? "Request" : titleOf(detail)}</h2>
          <button type="button" class="quiet" onClick={shut} aria-label="Close">
            ✕
          </button>
        </header>
        {detail === null ? <p class="empty">Loading …</p> : <Body {...{ detail, apiKey }} />}
      </article>
    </dialog>
  );
}

function titleOf({ decision }: RequestDetail): string {
  return decision === null ? "Waiting for an engine" : `Why ${decision.engine}?`;
}

interface BodyProps {
  readonly detail: RequestDetail;
  readonly apiKey: string;
}

function Body({ detail, apiKey }: BodyProps): VNode {
  const { decision, outcome, workflowId, requestId } = detail;
  return (
    <>
      {decision === null ? (
        <p>No engine has taken it yet: the decision is told with the dispatch.</p>
      ) : (
        <>
          <p class="rule">{RULE_NAMES[decision.rule]}</p>
          <p>{explain(decision)}</p>
          <CandidateTable decision={decision} />
          <WhatIfDecision decision={decision} apiKey={apiKey} />
        </>
      )}
      <dl class="facts">
        <Fact name="outcome" value={outcome === null ? "goes on" : statusName(outcome)} />
        <Fact name="waited" value={formatSpan(between(detail.arrivedMs, detail.dispatchedMs))} />
        <Fact
          name="to the first token"
          value={formatSpan(between(detail.dispatchedMs, detail.firstTokenMs))}
        />
        <Fact name="writing" value={formatSpan(between(detail.firstTokenMs, detail.endedMs))} />
        <Fact
          name="predicted tokens, this stage"
          value={formatCount(decision?.stageTokens ?? null)}
        />
        <Fact name="actual tokens, this stage" value={formatCount(detail.outputTokens)} />
        <Fact
          name="predicted tokens, whole workflow"
          value={formatCount(decision?.remainingTokens ?? null)}
        />
        <Fact name="prompt tokens" value={formatCount(detail.promptTokens)} />
        <Fact name="attempts" value={formatCount(detail.attempts)} />
        <Fact name="price of time" value={decision === null ? "–" : String(decision.price)} />
        <Fact name="workflow" value={workflowId} wide />
        <Fact name="request" value={requestId} wide />
      </dl>
    </>
  );
}

function between(fromMs: number | null, toMs: number | null): number | null {
  return fromMs === null || toMs === null ? null : toMs - fromMs;
}

function CandidateTable({ decision }: { readonly decision: Decision }): VNode {
  return (
    <div class="scroll" tabIndex={0}>
      <table class="candidates">
        <thead>
          <tr>
            <th>Candidate</th>
            <th>Confidence, less the price</th>
            <th class="number">Running + waiting</th>
            <th class="number">Wait</th>
            <th class="number">Own work</th>
            <th class="number">Delay to others</th>
            <th class="number">Value</th>
            <th>Result</th>
          </tr>
        </thead>
        <tbody>
          {decision.candidates.map((candidate) => (
            <CandidateRow key={candidate.engine} {...{ candidate, decision }} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface CandidateRowProps {
  readonly candidate: Candidate;
  readonly decision: Decision;
}

function CandidateRow({ candidate, decision }: CandidateRowProps): VNode {
  const { engine, model, confidence, value } = candidate;
  const isChosen = engine === decision.engine;
  const pays = decision.choice === "auto" ? Math.max(0, confidence - Math.max(0, value)) : 0;
  return (
    <tr data-chosen={isChosen}>
      <th scope="row">
        {engine}
        {model !== engine && <small>{model}</small>}
      </th>
      <td class="confidence">
        <Bar share={confidence - pays} rest={pays} />
        {formatShare(confidence)}
      </td>
      <td class="number">
        {candidate.running} + {candidate.waiting}
        <small>{formatCount(candidate.inFlightTokens)} tokens</small>
      </td>
      <td class="number">{formatSpan(candidate.waitMs)}</td>
      <td class="number">
        {formatSpan(candidate.ownMs)}
        <small>{formatCount(candidate.remainingTokens)} tokens</small>
      </td>
      <td class="number">{formatSpan(candidate.delayMs)}</td>
      <td class="number">{value.toFixed(3)}</td>
      <td>
        <span class="pill" data-tone={isChosen ? "good" : "calm"}>
          {verdictOf(candidate, decision)}
        </span>
      </td>
    </tr>
  );
}

interface FactProps {
  readonly name: string;
  readonly value: string;
  readonly wide?: boolean;
}

function Fact({ name, value, wide = false }: FactProps): VNode {
  return (
    <div data-wide={wide}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
