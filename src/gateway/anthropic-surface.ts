import { anthropicErrors } from "./anthropic-errors.ts";
import { AnthropicMessage } from "./anthropic-message.ts";
import { chatBodyOf } from "./anthropic-request.ts";
import { encodeChatBody } from "./chat-body.ts";
import { gatewayError } from "./errors.ts";
import { type Inbound, type InboundResult, isObject, parseHead } from "./inbound.ts";
import { JsonAnswer } from "./json-answer.ts";
import { translatingDialect } from "./stream-dialect.ts";
import { type PlanResult, streamAnswer, type Surface } from "./surface.ts";

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
  const chat = encodeChatBody(() => chatBodyOf(body));
  if (!chat.ok) return chat;
  const { thinking } = body;
  const asked = isObject(thinking) ? thinking["type"] : "disabled";
  const showsThinking = asked !== "disabled";
  return {
    ok: true,
    plan: {
      path: "/chat/completions",
      format: "completion",
      bytes: chat.bytes,
      body: chat.body,
      answer: (response, context) => {
        const { requestId } = context;
        const create = (): AnthropicMessage => new AnthropicMessage({ requestId, showsThinking });
        return streams
          ? streamAnswer(response, context, translatingDialect(anthropicErrors, PING, create))
          : new JsonAnswer(response, anthropicErrors, create);
      },
    },
  };
}
