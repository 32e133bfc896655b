import { assert } from "./assert.ts";

/** Tokens on the books are whole grains, so that sums in any order are exact and end at zero. */
const GRAINS_PER_TOKEN = 1024;
/** Far above any workflow; keeps the sum of a million of them exact. */
const TOKENS_MAX = 2 ** 22;

/** A predicted length as it is booked: finite, not negative, whole grains. A length that is no number counts as 0. */
export function toBookedTokens(tokens: number): number {
  if (!(tokens > 0)) return 0;
  return Math.round(Math.min(tokens, TOKENS_MAX) * GRAINS_PER_TOKEN) / GRAINS_PER_TOKEN;
}

/** Predicted tokens admitted to one engine and not finished (paper: P[m]); queued and running alike. */
export interface Account {
  inFlightTokens: number;
  inFlightRequests: number;
}

/** The line of one unfinished request; null while it is on no engine's account. */
export interface Line {
  account: Account | null;
  bookedTokens: number;
}

export function openLine(line: Line, account: Account, tokens: number): void {
  assert(line.account === null, "a request is on one account at a time");
  line.account = account;
  line.bookedTokens = toBookedTokens(tokens);
  account.inFlightTokens += line.bookedTokens;
  account.inFlightRequests += 1;
}

/** Closing a closed line does nothing. */
export function closeLine(line: Line): void {
  const account = line.account;
  if (account === null) return;
  account.inFlightTokens -= line.bookedTokens;
  account.inFlightRequests -= 1;
  line.account = null;
  line.bookedTokens = 0;
  assert(account.inFlightTokens >= 0, "an account is never overdrawn");
  assert(account.inFlightRequests > 0 || account.inFlightTokens === 0, "an empty account is zero");
}
