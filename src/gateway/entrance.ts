import type { IncomingHttpHeaders } from "node:http";
import type { Metrics } from "../observe/metrics.ts";
import type { Caller, Callers } from "./callers.ts";
import { gatewayError, type GatewayError } from "./errors.ts";
import type { KeyEntry, KeyLimits } from "./key-limits.ts";

export interface Door {
  readonly callers: Callers;
  readonly limits: KeyLimits;
  readonly metrics: Metrics;
}

export type Entrance =
  | { readonly ok: true; readonly caller: Caller; readonly entry: KeyEntry }
  | {
      readonly ok: false;
      readonly error: GatewayError;
      readonly headers: Readonly<Record<string, string>>;
    };

/** Says by a request's headers alone, before its body is read, whether its sender may come in. */
export function enter({ callers, limits, metrics }: Door, from: IncomingHttpHeaders): Entrance {
  const caller = callers.find(from);
  if (caller === null) return { ok: false, ...notKnown() };
  const taken = limits.enter(caller.key);
  if (taken.ok) return { ok: true, caller, entry: taken.entry };
  if (caller.key !== null) metrics.observeRefusal(caller.key.name, taken.limit);
  return { ok: false, error: taken.error, headers: taken.headers };
}

/** The answer to a request without a key that is known. */
export function notKnown(): {
  readonly error: GatewayError;
  readonly headers: Readonly<Record<string, string>>;
} {
  return { error: gatewayError("invalid_api_key"), headers: { "www-authenticate": "Bearer" } };
}
