import { NUMBER_CHOICES } from "../core/rule.ts";
import type { WhatIf } from "../core/what-if.ts";
import { type GatewayError, gatewayError } from "./errors.ts";
import { isObject, parseJson } from "./inbound.ts";
import type { WhatIfQuestion } from "./what-if.ts";

export type WhatIfParse =
  | { readonly ok: true; readonly question: WhatIfQuestion }
  | { readonly ok: false; readonly error: GatewayError };

/** Takes `{"choice"?, "price"?, "slack"?, "minGain"?, "request_id"?}`. */
export function parseWhatIf(bytes: Buffer): WhatIfParse {
  const parsed = parseJson(bytes);
  if (parsed === null) return { ok: false, error: gatewayError("invalid_json") };
  if (!isObject(parsed.value)) return invalid(null, "The body must be an object.");
  const { choice, price, slack, minGain, request_id: requestId = null } = parsed.value;
  const known = NUMBER_CHOICES.find((each) => each === choice);
  if (choice !== undefined && known === undefined) {
    return invalid("choice", `choice must be one of ${NUMBER_CHOICES.join(", ")}.`);
  }
  if (!isKnob(price)) return invalid("price", "price must be a number, not negative.");
  if (slack !== null && !isKnob(slack)) {
    return invalid("slack", "slack must be a number, not negative, or null.");
  }
  if (!isKnob(minGain)) return invalid("minGain", "minGain must be a number, not negative.");
  if (requestId !== null && typeof requestId !== "string") {
    return invalid("request_id", "request_id must be text.");
  }
  const whatIf: WhatIf = {
    ...(known === undefined ? {} : { choice: known }),
    ...(price === undefined ? {} : { price }),
    ...(slack === undefined ? {} : { slack }),
    ...(minGain === undefined ? {} : { minGain }),
  };
  return { ok: true, question: { whatIf, requestId } };
}

function isKnob(value: unknown): value is number | undefined {
  return value === undefined || (typeof value === "number" && value >= 0);
}

function invalid(param: string | null, detail: string): WhatIfParse {
  return { ok: false, error: gatewayError("invalid_request", { param, detail }) };
}
