import { type ErrorFormat, openAiErrors } from "./error-format.ts";
import { gatewayError } from "./errors.ts";
import {
  type Inbound,
  type InboundResult,
  isObject,
  type JsonObject,
  parseHead,
  parseJson,
} from "./inbound.ts";
import { type Collector, JsonAnswer } from "./json-answer.ts";
import { ResponseObject } from "./responses-object.ts";
import { chatBodyOfResponse } from "./responses-request.ts";
import type { StreamDialect } from "./stream-dialect.ts";
import {
  outputLimitsOf,
  type Plan,
  type PlanResult,
  streamAnswer,
  type Surface,
} from "./surface.ts";
import { translatedPlan } from "./translated-plan.ts";

const PING = ": ping\n\n";

/** Fields that name something kept from an earlier request. */
const STATEFUL_FIELDS = ["previous_response_id", "conversation", "prompt"];

/** Clients raise an event that has `error`; by its `type` the API's own readers know it. */
const responsesErrors: ErrorFormat = {
  ...openAiErrors,
  event: (body) => {
    const value = parseJson(Buffer.from(body))?.value;
    const error = isObject(value) && isObject(value["error"]) ? value["error"] : {};
    const { code = null, message = "", param = null } = error;
    const event = { type: "error", code, message, param, error };
    return `event: error\ndata: ${JSON.stringify(event)}\n\n`;
  },
};

/**
 * The Responses API without its memory. Where every engine of the pool has it, bytes pass both ways;
 * elsewhere a request is translated to a chat completion, if a chat can say it.
 */
export const responsesSurface: Surface = {
  errors: responsesErrors,
  outputTokens: null,
  parse: parseResponses,
  plan: (inbound, pool) =>
    pool.hasResponses ? { ok: true, plan: passingPlan(inbound) } : planByChat(inbound),
};

function parseResponses(bytes: Buffer): InboundResult {
  const parsed = parseHead(bytes);
  if (!parsed.ok) return parsed;
  const { body } = parsed.inbound;
  const stateful = STATEFUL_FIELDS.find((field) => (body[field] ?? null) !== null);
  if (stateful !== undefined) {
    return refused(stateful, "is not taken: the gateway keeps no responses. Send the whole input.");
  }
  if (body["background"] === true) {
    return refused("background", "is not taken: an answer is made while its client waits.");
  }
  const { input } = body;
  const isFilled = typeof input === "string" || (Array.isArray(input) && input.length > 0);
  if (!isFilled) return refused("input", "must be a string or a non-empty array.");
  const limit = body["max_output_tokens"] ?? 0;
  return Number.isInteger(limit) ? parsed : refused("max_output_tokens", "must be a whole number.");
}

function refused(param: string, claim: string): InboundResult {
  const detail = `${param} ${claim}`;
  return { ok: false, error: gatewayError("invalid_request", { detail, param }) };
}

function passingPlan({ bytes, body, streams }: Inbound): Plan {
  return {
    path: "/responses",
    format: "response",
    bytes,
    limits: outputLimitsOf(body),
    answer: (response, context) =>
      streams
        ? streamAnswer(response, context, passingDialect())
        : new JsonAnswer(response, responsesErrors, () => new LastResponse()),
  };
}

function passingDialect(): StreamDialect {
  return {
    errors: responsesErrors,
    ping: PING,
    begin: () => ({ hideUsage: false }),
    tell: (bytes) => bytes,
    close: () => "",
  };
}

/** The whole response stands in the last event of its stream. */
class LastResponse implements Collector {
  #response: JsonObject = {};

  add(event: unknown): void {
    const response = isObject(event) ? event["response"] : null;
    if (isObject(response)) this.#response = response;
  }

  result(): object {
    return this.#response;
  }
}

function planByChat({ body, streams }: Inbound): PlanResult {
  return translatedPlan({
    streams,
    errors: responsesErrors,
    ping: PING,
    translate: () => chatBodyOfResponse(body),
    create: (requestId) => new ResponseObject({ requestId, streams, asked: body }),
  });
}
