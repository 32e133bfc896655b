import { anthropicErrors } from "./anthropic-errors.ts";
import { AnthropicMessage } from "./anthropic-message.ts";
import { chatBodyOf } from "./anthropic-request.ts";
import { gatewayError } from "./errors.ts";
import { type Inbound, type InboundResult, isObject, parseHead } from "./inbound.ts";
import type { PlanResult, Surface } from "./surface.ts";
import { translatedPlan } from "./translated-plan.ts";

const PING = 'event: ping\ndata: {"type": "ping"}\n\n';

/**
 * The Anthropic API, translated to a chat completion and back for engines of every kind: one way
 * through every engine, and a workflow may change its engine in the middle.
 */
export const anthropicSurface: Surface = {
  errors: anthropicErrors,
  outputTokens: null,
  parse: parseMessages,
  plan: planMessages,
};

function parseMessages(bytes: Buffer): InboundResult {
  const parsed = parseHead(bytes);
  if (!parsed.ok) return parsed;
  const limit = parsed.inbound.body["max_tokens"];
  if (typeof limit === "number" && Number.isInteger(limit) && limit > 0) return parsed;
  const detail = "max_tokens must be a whole number above 0.";
  return { ok: false, error: gatewayError("invalid_request", { detail, param: "max_tokens" }) };
}

function planMessages({ body, streams }: Inbound): PlanResult {
  const { thinking } = body;
  const asked = isObject(thinking) ? thinking["type"] : "disabled";
  const showsThinking = asked !== "disabled";
  return translatedPlan({
    streams,
    errors: anthropicErrors,
    ping: PING,
    translate: () => chatBodyOf(body),
    create: (requestId) => new AnthropicMessage({ requestId, streams, showsThinking }),
  });
}
