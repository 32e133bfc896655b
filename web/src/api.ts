import type { RequestDetail, RequestList, RequestPhase } from "../../src/gateway/ui-request.ts";

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
