import { createHash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

/** Who sends without a key: they all share one scope. */
const ANONYMOUS = "anonymous";

/** The key that a client sends: `authorization: Bearer`, else `x-api-key`; null without one. */
export function presentedKey(headers: IncomingHttpHeaders): string | null {
  const bearer = /^Bearer +(\S+) *$/i.exec(headers.authorization ?? "")?.[1];
  const key = bearer ?? headers["x-api-key"];
  return typeof key !== "string" || key === "" ? null : key;
}

/**
 * What stands for the client's API key wherever two clients must be kept apart and no keys are
 * configured. A hash: the key itself is neither kept nor shown, and never reaches an engine.
 */
export function anonymousScope(headers: IncomingHttpHeaders): string {
  const key = presentedKey(headers);
  return key === null ? ANONYMOUS : createHash("sha256").update(key).digest("base64url");
}
