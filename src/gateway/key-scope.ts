import { createHash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

/** Who sends without a key: they all share one scope. */
const ANONYMOUS = "anonymous";

/**
 * What stands for the client's API key wherever two clients must be kept apart. A hash: the key
 * itself is neither kept nor shown, and never reaches an engine.
 */
export function keyScope(headers: IncomingHttpHeaders): string {
  const bearer = /^Bearer\s+(.+)$/i.exec(headers.authorization ?? "")?.[1];
  const key = bearer ?? headers["x-api-key"];
  if (typeof key !== "string" || key === "") return ANONYMOUS;
  return createHash("sha256").update(key).digest("base64url");
}
