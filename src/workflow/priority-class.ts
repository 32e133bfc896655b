import { PRIORITY_CLASSES, type PriorityClass } from "../core/types.ts";
import { programHints } from "./claim.ts";
import { fieldOf, valueAt } from "./json.ts";
import type { HeaderValues } from "./request-headers.ts";

/** Priority of llm-d's named objectives, as the operator configured them. */
export type Objectives = ReadonlyMap<string, number>;

/**
 * The class a client asks for, first hint first; "default" without a hint or with an unknown one.
 * Whether its key may use the class is decided elsewhere. Integers have no scale that products
 * share, so only their side of 0 counts: sooner is "interactive", later is "bulk". "system" has to
 * be named. Dynamo's headers come before its body fields, as Dynamo reads them.
 */
export function readClass(
  headers: HeaderValues,
  body: unknown,
  objectives: Objectives,
): PriorityClass {
  const hints = valueAt(body, ["nvext", "agent_hints"]);
  const objective =
    headers.get("x-llm-d-inference-objective") ??
    headers.get("x-gateway-inference-objective") ??
    "";
  return (
    stated(headers.get("x-chimera-class")) ??
    tier(headers.get("x-dynamo-request-strict-priority")) ??
    higherSooner(headers.get("x-dynamo-request-priority")) ??
    tier(fieldOf(hints, "strict_priority")) ??
    higherSooner(fieldOf(hints, "priority")) ??
    higherSooner(fieldOf(programHints(body), "priority")) ??
    lowerSooner(fieldOf(body, "priority")) ??
    serviceTier(fieldOf(body, "service_tier")) ??
    stated(headers.get("x-smg-priority")) ??
    higherSooner(objectives.get(objective)) ??
    wish(headers.get("x-request-priority")) ??
    "default"
  );
}

/** Where a header is there for the class alone, an unknown name is "default" and ends the search. */
function stated(value: string | undefined): PriorityClass | null {
  return value === undefined ? null : (wish(value) ?? "default");
}

function wish(value: string | undefined): PriorityClass | null {
  const name = value?.toLowerCase();
  return PRIORITY_CLASSES.find((known) => known === name) ?? higherSooner(value);
}

/** A tier of 0 is no wish: the softer priority beside it is looked at. */
function tier(value: unknown): PriorityClass | null {
  const level = integerOf(value);
  return level !== null && level > 0 ? "interactive" : null;
}

function higherSooner(value: unknown): PriorityClass | null {
  const level = integerOf(value);
  if (level === null) return null;
  if (level === 0) return "default";
  return level > 0 ? "interactive" : "bulk";
}

/** vLLM and LiteLLM. */
function lowerSooner(value: unknown): PriorityClass | null {
  const level = integerOf(value);
  return level === null ? null : higherSooner(-level);
}

function serviceTier(value: unknown): PriorityClass | null {
  if (value === "priority") return "interactive";
  return value === "flex" ? "bulk" : null;
}

function integerOf(value: unknown): number | null {
  const number = typeof value === "string" && /^[+-]?\d{1,15}$/.test(value) ? Number(value) : value;
  return typeof number === "number" && Number.isSafeInteger(number) ? number : null;
}
