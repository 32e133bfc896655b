import type { Limits } from "../config/config.ts";
import type { RequestArrived, Tenant } from "../core/event.ts";
import type { Estimate, PriorityClass } from "../core/types.ts";
import type { StageFacts } from "../predict/port.ts";
import type { Identity } from "../workflow/identity.ts";
import type { Caller } from "./callers.ts";
import type { Untimed } from "./driver.ts";
import type { KeyEntry } from "./key-limits.ts";
import type { Pool } from "./models.ts";
import type { Inbound } from "./inbound.ts";
import type { Plan, Surface } from "./surface.ts";

/** What was understood of a request before the core hears of it. */
export interface Understood {
  readonly surface: Surface;
  readonly inbound: Inbound;
  readonly plan: Plan;
  readonly pool: Pool;
  readonly identity: Identity;
  readonly caller: Caller;
  readonly entry: KeyEntry;
}

export interface ArrivalFacts {
  readonly requestId: string;
  readonly facts: StageFacts;
  readonly estimates: readonly Estimate[];
  /** The one that its key allows. */
  readonly class: PriorityClass;
  /** Whether there is a predictor to be asked. */
  readonly predicts: boolean;
}

/** A request as the core is told of it. */
export function arrivalOf(
  { surface, inbound, pool, identity, caller }: Understood,
  { requestId, facts, estimates, predicts, class: allowed }: ArrivalFacts,
  limits: Limits,
): Untimed<RequestArrived> {
  const { startWithinMs, knobs } = identity;
  const arrived: Untimed<RequestArrived> = {
    type: "request-arrived",
    requestId,
    workflowId: facts.workflowId,
    stage: facts.stage,
    class: allowed,
    pool: pool.name,
    estimates,
    predict: predicts && surface.outputTokens === null,
    promptTokens: facts.promptTokens,
    outputTokensMax: facts.outputTokensMax,
    streams: inbound.streams,
    queueWaitMsMax: limits.queueWaitMsMax,
    tenant: tenantOf(caller, limits.queueRequestsPerKeyMax),
    knobs: pool.knobs === null ? knobs : { ...pool.knobs, ...knobs },
  };
  return startWithinMs === null ? arrived : { ...arrived, startWithinMs };
}

/** Tokens of prompt and answer that a request is expected to use, by the most talkative model. */
export function expectedTokens(facts: StageFacts, estimates: readonly Estimate[]): number {
  let most = 0;
  for (const { stageTokens } of estimates) most = Math.max(most, stageTokens);
  return facts.promptTokens + Math.min(most, facts.outputTokensMax ?? most);
}

function tenantOf({ scope, key }: Caller, queueRequestsMax: number): Tenant {
  if (key === null) return { id: scope, queueRequestsMax };
  return { id: scope, queueRequestsMax, name: key.name, weight: key.weight };
}
