import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { Decision } from "../../src/core/types.ts";
import type { WhatIf } from "../../src/core/what-if.ts";
import { RULE_NAMES } from "../../src/observe/explanation.ts";
import { formatShare, formatSpan } from "../../src/observe/number-format.ts";
import { askWhatIf } from "./api.ts";
import { usePolled } from "./use-polled.ts";
import { WhatIfKnobs } from "./what-if-knobs.tsx";

export interface WhatIfDecisionProps {
  readonly decision: Decision;
  readonly apiKey: string;
}

/** A decision does not change any more: asked again only when the knobs are. */
const POLL_MS = 60_000;

/** One decision with other knobs. */
export function WhatIfDecision({ decision, apiKey }: WhatIfDecisionProps): VNode {
  const [whatIf, setWhatIf] = useState<WhatIf>({});
  const answer = usePolled(
    (signal) => askWhatIf(whatIf, decision.requestId, apiKey, signal),
    POLL_MS,
    [JSON.stringify(whatIf), decision.timeMs],
  );
  const after = answer?.rows[0]?.after ?? null;
  return (
    <details class="what-if">
      <summary>What if?</summary>
      <WhatIfKnobs policy={decision} whatIf={whatIf} change={setWhatIf} />
      <p role="status">
        {answer === null
          ? "Loading …"
          : after === null
            ? "This decision stands whatever the knobs are: there was one engine to choose from, or the numbers that this policy weighs were not recorded."
            : `${after.engine === decision.engine ? "Still" : "Instead"} ${after.engine}, by ${RULE_NAMES[after.rule]}: confidence ${formatShare(after.confidence)}, expected time ${formatSpan(after.expectedMs)}.`}
      </p>
    </details>
  );
}
