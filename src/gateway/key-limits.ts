import type { ApiKeyConfig } from "../config/config.ts";
import { gatewayError, type GatewayError } from "./errors.ts";
import { TokenBucket } from "./token-bucket.ts";

/** One request of a key, from its head to the end of its answer. */
export interface KeyEntry {
  /** What the key has left, as response headers. */
  headers(): Record<string, string>;
  /** It is expected to use so many tokens. */
  expectTokens(tokens: number): void;
  /** It has used so many. */
  usedTokens(tokens: number): void;
  /** Its answer has ended. Once. */
  leave(): void;
}

export type KeyVerdict =
  | { readonly ok: true; readonly entry: KeyEntry }
  | {
      readonly ok: false;
      readonly limit: "requests" | "tokens" | "concurrency";
      readonly error: GatewayError;
      readonly headers: Record<string, string>;
    };

interface Meter {
  requests: TokenBucket | null;
  tokens: TokenBucket | null;
  openMax: number;
  open: number;
}

/** Nobody knows when a request of the key ends; soon is a fair guess. */
const CONCURRENCY_RETRY_MS = 1000;

const UNLIMITED: KeyEntry = {
  headers: () => ({}),
  expectTokens: () => {},
  usedTokens: () => {},
  leave: () => {},
};

/**
 * The limits of the keys. A request enters while its key owes nothing, and is charged at once for what
 * it is expected to use, so that a key exceeds its tokens by no more than one request; the difference
 * to what it did use is settled at its end.
 */
export class KeyLimits {
  readonly #meters = new Map<string, Meter>();
  readonly #clock: { nowMs(): number };

  constructor(keys: readonly ApiKeyConfig[], clock: { nowMs(): number }) {
    this.#clock = clock;
    this.configure(keys);
  }

  /** From now on these are the limits. A key whose limit is the same goes on with what it has left. */
  configure(keys: readonly ApiKeyConfig[]): void {
    const before = new Map(this.#meters);
    this.#meters.clear();
    const nowMs = this.#clock.nowMs();
    for (const { name, requestsPerMinute, tokensPerMinute, concurrency } of keys) {
      const meter: Meter = before.get(name) ?? {
        requests: null,
        tokens: null,
        openMax: 0,
        open: 0,
      };
      meter.requests = bucketOf(requestsPerMinute, meter.requests, nowMs);
      meter.tokens = bucketOf(tokensPerMinute, meter.tokens, nowMs);
      meter.openMax = concurrency ?? Number.POSITIVE_INFINITY;
      this.#meters.set(name, meter);
    }
  }

  enter(key: ApiKeyConfig | null): KeyVerdict {
    const meter = key === null ? undefined : this.#meters.get(key.name);
    if (meter === undefined) return { ok: true, entry: UNLIMITED };
    const nowMs = this.#clock.nowMs();
    const headers = (): Record<string, string> => headersOf(meter, this.#clock.nowMs());
    const refused = refusalBy(meter, nowMs);
    if (refused !== null) return { ok: false, ...refused, headers: headers() };
    meter.open++;
    meter.requests?.take(1, nowMs);
    let charged = 0;
    const charge = (tokens: number): void => {
      meter.tokens?.take(tokens - charged, this.#clock.nowMs());
      charged = tokens;
    };
    const leave = (): void => {
      meter.open--;
    };
    return { ok: true, entry: { headers, expectTokens: charge, usedTokens: charge, leave } };
  }
}

function bucketOf(
  perMinute: number | null,
  known: TokenBucket | null,
  nowMs: number,
): TokenBucket | null {
  if (perMinute === null) return null;
  return known?.perMinute === perMinute ? known : new TokenBucket(perMinute, nowMs);
}

function refusalBy(
  meter: Meter,
  nowMs: number,
): Pick<KeyVerdict & { ok: false }, "limit" | "error"> | null {
  if (meter.open >= meter.openMax) {
    const detail = `The limit is ${meter.openMax} at once.`;
    const error = { detail, retryAfterMs: CONCURRENCY_RETRY_MS };
    return { limit: "concurrency", error: gatewayError("concurrency_exceeded", error) };
  }
  for (const limit of ["requests", "tokens"] as const) {
    const bucket = meter[limit];
    const retryAfterMs = bucket?.untilMs(1, nowMs) ?? 0;
    if (bucket === null || retryAfterMs === 0) continue;
    const detail = `The limit is ${bucket.perMinute} ${limit} per minute.`;
    return { limit, error: gatewayError("rate_limit_exceeded", { detail, retryAfterMs }) };
  }
  return null;
}

function headersOf(meter: Meter, nowMs: number): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const limit of ["requests", "tokens"] as const) {
    const bucket = meter[limit];
    if (bucket === null) continue;
    const left = Math.max(0, Math.floor(bucket.levelAt(nowMs)));
    headers[`x-ratelimit-limit-${limit}`] = String(bucket.perMinute);
    headers[`x-ratelimit-remaining-${limit}`] = String(left);
    const fullSeconds = bucket.untilMs(bucket.perMinute, nowMs) / 1000;
    headers[`x-ratelimit-reset-${limit}`] = `${fullSeconds.toFixed(3)}s`;
  }
  return headers;
}
