import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { View } from "../../src/core/view.ts";
import type { WhatIf } from "../../src/core/what-if.ts";
import type { WhatIfAnswer, WhatIfRow } from "../../src/gateway/what-if.ts";
import { formatCount, formatShare, formatSpan } from "../../src/observe/number-format.ts";
import { askWhatIf } from "./api.ts";
import { Bar } from "./bar.tsx";
import { shortened } from "./request-table.tsx";
import { usePolled } from "./use-polled.ts";
import { WhatIfKnobs } from "./what-if-knobs.tsx";

export interface WhatIfPanelProps {
  readonly policy: View["policy"];
  readonly apiKey: string;
  readonly visible: boolean;
  readonly open: (requestId: string) => void;
}

const POLL_MS = 3_000;

/** What other knobs would have decided for the requests that are remembered. */
export function WhatIfPanel({ policy, apiKey, visible, open }: WhatIfPanelProps): VNode {
  const [whatIf, setWhatIf] = useState<WhatIf>({});
  const answer = usePolled(
    (signal) => askWhatIf(whatIf, null, apiKey, signal),
    visible ? POLL_MS : null,
    [JSON.stringify(whatIf), apiKey],
  );
  return (
    <section class="card what-if" aria-labelledby="what-if-title">
      <h2 id="what-if-title">What if the knobs had stood elsewhere?</h2>
      <p class="note">
        Each remembered request is decided again, alone, with the load that it saw. What the other
        choices would have changed about the queues of those that came later is not in it: for that,
        replay a recording.
      </p>
      <WhatIfKnobs policy={policy} whatIf={whatIf} change={setWhatIf} />
      {answer === null ? <p class="empty">Loading …</p> : <Answer answer={answer} open={open} />}
    </section>
  );
}

interface AnswerProps {
  readonly answer: WhatIfAnswer;
  readonly open: (requestId: string) => void;
}

function Answer({ answer, open }: AnswerProps): VNode {
  const { redecided, changed, confidence, expectedMs, rows } = answer;
  const share = redecided === 0 ? "" : ` (${formatShare(changed / redecided)})`;
  return (
    <>
      <dl class="tiles" aria-live="polite">
        <Tile name="decided again" value={formatCount(redecided)} />
        <Tile name="would have changed" value={`${formatCount(changed)}${share}`} />
        <Tile
          name="mean confidence"
          value={`${shareOf(confidence.before)} → ${shareOf(confidence.after)}`}
        />
        <Tile
          name="mean expected time"
          value={`${formatSpan(expectedMs.before)} → ${formatSpan(expectedMs.after)}`}
        />
      </dl>
      <Models answer={answer} />
      {fixedSentence(answer) !== "" && <p class="note">{fixedSentence(answer)}</p>}
      {rows.length > 0 && <Changes rows={rows} changed={changed} open={open} />}
    </>
  );
}

function Models({ answer }: { readonly answer: WhatIfAnswer }): VNode {
  const { models, redecided } = answer;
  return (
    <ul class="models" aria-label="Decisions by model, before and after">
      {models.map(({ model, before, after }) => (
        <li key={model}>
          <span>{model}</span>
          <Bar share={before / Math.max(1, redecided)} />
          <Bar share={after / Math.max(1, redecided)} />
          <b>
            {formatCount(before)} → {formatCount(after)}
          </b>
        </li>
      ))}
    </ul>
  );
}

/** Which decisions stand, and why. */
function fixedSentence({ fixed }: WhatIfAnswer): string {
  const parts = [
    [fixed["one-candidate"], "had one engine to choose from (most are later stages, which stay)"],
    [fixed["late-choice"], "came from an idle engine that took waiting work"],
    [fixed["no-numbers"], "did not record what this policy weighs"],
  ] as const;
  const told = parts.filter(([count]) => count > 0);
  if (told.length === 0) return "";
  return `Not decided again: ${told.map(([count, why]) => `${formatCount(count)} ${why}`).join("; ")}.`;
}

interface ChangesProps {
  readonly rows: readonly WhatIfRow[];
  readonly changed: number;
  readonly open: (requestId: string) => void;
}

function Changes({ rows, changed, open }: ChangesProps): VNode {
  return (
    <div class="scroll short" tabIndex={0} role="group" aria-label="Decisions that would change">
      <table>
        <caption>
          {rows.length < changed ? `The newest ${rows.length} that` : "Those that"} would have
          changed
        </caption>
        <thead>
          <tr>
            <th>Workflow</th>
            <th>Was</th>
            <th>Would be</th>
            <th class="number">Confidence</th>
            <th class="number">Expected time</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ requestId, workflowId, before, after }) => (
            <tr key={requestId}>
              <th scope="row">
                <button type="button" title={workflowId} onClick={() => open(requestId)}>
                  <span class="id">{shortened(workflowId)}</span>
                </button>
              </th>
              <td>{before.engine}</td>
              <td>{after.engine}</td>
              <td class="number">
                {formatShare(before.confidence)} → {formatShare(after.confidence)}
              </td>
              <td class="number">
                {formatSpan(before.expectedMs)} → {formatSpan(after.expectedMs)}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function shareOf(share: number | null): string {
  return share === null ? "–" : formatShare(share);
}

function Tile({ name, value }: { readonly name: string; readonly value: string }): VNode {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
