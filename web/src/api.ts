import type { WhatIf } from "../../src/core/what-if.ts";
import type { RequestDetail, RequestList, RequestPhase } from "../../src/gateway/ui-request.ts";
import type { WorkflowDetail, WorkflowList } from "../../src/gateway/ui-workflow.ts";
import type { WhatIfAnswer } from "../../src/gateway/what-if.ts";
import type { ModelDrift } from "../../src/predict/drift.ts";

export function authorization(key: string): Record<string, string> {
  return key === "" ? {} : { authorization: `Bearer ${key}` };
}

/** Rejects with a sentence when the gateway does not answer with what was asked for. */
async function getJson<T>(path: string, key: string, signal: AbortSignal): Promise<T> {
  const response = await fetch(path, { headers: authorization(key), signal });
  if (!response.ok) throw new Error(`The gateway answered ${response.status}.`);
  return JSON.parse(await response.text());
}

export function getRequests(
  phase: RequestPhase,
  key: string,
  signal: AbortSignal,
): Promise<RequestList> {
  return getJson(`/v1/chimera/decisions?phase=${phase}`, key, signal);
}

export function getRequest(id: string, key: string, signal: AbortSignal): Promise<RequestDetail> {
  return getJson(`/v1/chimera/decisions/${encodeURIComponent(id)}`, key, signal);
}

export function getWorkflows(key: string, signal: AbortSignal): Promise<WorkflowList> {
  return getJson("/v1/chimera/workflows", key, signal);
}

/** A workflow and the reading of the gateway's clock. */
export interface TimedWorkflow extends WorkflowDetail {
  readonly nowMs: number;
}

export function getWorkflow(id: string, key: string, signal: AbortSignal): Promise<TimedWorkflow> {
  return getJson(`/v1/chimera/workflows/${encodeURIComponent(id)}`, key, signal);
}

/** `requestId` null: of all remembered decisions together. */
export async function askWhatIf(
  whatIf: WhatIf,
  requestId: string | null,
  key: string,
  signal: AbortSignal,
): Promise<WhatIfAnswer> {
  const response = await fetch("/v1/chimera/what-if", {
    method: "POST",
    headers: { "content-type": "application/json", ...authorization(key) },
    body: JSON.stringify({ ...whatIf, request_id: requestId }),
    signal,
  });
  if (!response.ok) throw new Error(`The gateway answered ${response.status}.`);
  return JSON.parse(await response.text());
}

export function getPredictions(
  key: string,
  signal: AbortSignal,
): Promise<{ readonly models: readonly ModelDrift[] }> {
  return getJson("/v1/chimera/predictions", key, signal);
}

/** As the gateway shows it: nested objects of plain values, secrets masked. */
export function getConfig(key: string, signal: AbortSignal): Promise<Record<string, unknown>> {
  return getJson("/v1/chimera/config", key, signal);
}

/** Names that a client may ask for, virtual ones first. */
export async function getModels(key: string, signal: AbortSignal): Promise<string[]> {
  interface Listing {
    readonly id: string;
    readonly owned_by: string;
  }
  const { data } = await getJson<{ readonly data: readonly Listing[] }>("/v1/models", key, signal);
  const isVirtual = (listing: Listing): number => (listing.owned_by === "chimera" ? 0 : 1);
  return data.toSorted((a, b) => isVirtual(a) - isVirtual(b)).map((listing) => listing.id);
}
