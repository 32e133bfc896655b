import type { Limits } from "../config/config.ts";
import { gatewayError, type GatewayError } from "./errors.ts";
import type { JsonObject } from "./inbound.ts";

/** Lists that hold what a client and a model have said to each other. */
const CONVERSATIONS = ["messages", "input"];

/** What of a body is more than the gateway takes, or null. */
export function bodyExcess(
  body: JsonObject,
  { nestingMax, messagesMax }: Pick<Limits, "nestingMax" | "messagesMax">,
): GatewayError | null {
  for (const param of CONVERSATIONS) {
    const list = body[param];
    if (!Array.isArray(list) || list.length <= messagesMax) continue;
    const detail = `${param} must hold at most ${messagesMax}.`;
    return gatewayError("invalid_request", { detail, param });
  }
  if (!isDeeper(body, nestingMax)) return null;
  const detail = `The body must not be nested deeper than ${nestingMax} levels.`;
  return gatewayError("invalid_request", { detail });
}

/** Level by level, so that no depth can use up the stack. */
function isDeeper(value: object, levelsMax: number): boolean {
  let level: object[] = [value];
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > levelsMax) return true;
    const inner: object[] = [];
    for (const each of level) addInner(each, inner);
    level = inner;
  }
  return false;
}

function addInner(value: object, into: object[]): void {
  const members: readonly unknown[] = Array.isArray(value) ? value : Object.values(value);
  for (const each of members) if (typeof each === "object" && each !== null) into.push(each);
}
