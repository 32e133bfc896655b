import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { REQUEST_PHASES, type RequestPhase } from "../../src/gateway/ui-request.ts";
import { getRequests } from "./api.ts";
import { RequestTable } from "./request-table.tsx";
import { usePolled } from "./use-polled.ts";

export interface RequestPanelProps {
  readonly apiKey: string;
  readonly visible: boolean;
  readonly open: (requestId: string) => void;
}

const POLL_MS = 1_000;

/** The newest requests of the key, all of them or those in one phase. */
export function RequestPanel({ apiKey, visible, open }: RequestPanelProps): VNode {
  const [phase, setPhase] = useState<RequestPhase>("any");
  const list = usePolled((signal) => getRequests(phase, apiKey, signal), visible ? POLL_MS : null, [
    phase,
    apiKey,
  ]);
  return (
    <section class="card requests" aria-labelledby="requests-title">
      <header>
        <h2 id="requests-title">
          Recent requests <small>choose one to see why it went where it went</small>
        </h2>
        <div class="phases" role="group" aria-label="Show">
          {REQUEST_PHASES.map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={each === phase}
              onClick={() => setPhase(each)}
            >
              {each === "any" ? "all" : each}
            </button>
          ))}
        </div>
      </header>
      {list === null ? (
        <p class="empty">Loading …</p>
      ) : list.requests.length === 0 ? (
        <p class="empty">
          {phase === "any"
            ? "None yet. Requests show to the API key that made them: set yours above, or ask something in the playground."
            : `None is ${phase} now.`}
        </p>
      ) : (
        <RequestTable list={list} open={open} />
      )}
    </section>
  );
}
