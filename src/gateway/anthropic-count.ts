import type { Limits } from "../config/config.ts";
import { countPromptTokens, vocabularyOf } from "../workflow/token-count.ts";
import { chatBodyOf } from "./anthropic-request.ts";
import { bodyExcess } from "./body-limits.ts";
import { encodeChatBody } from "./chat-body.ts";
import { type GatewayError, gatewayError, quoted } from "./errors.ts";
import { parseHead } from "./inbound.ts";
import type { ModelCatalogue } from "./models.ts";

export type CountResult =
  | { readonly ok: true; readonly inputTokens: number }
  | { readonly ok: false; readonly error: GatewayError };

/**
 * Tokens of a request of the Anthropic API, estimated from its text: the models behind one name may
 * have different tokenizers, and not every engine counts for others.
 */
export function countInputTokens(
  bytes: Buffer,
  models: Pick<ModelCatalogue, "find">,
  limits: Pick<Limits, "nestingMax" | "messagesMax">,
): CountResult {
  const parsed = parseHead(bytes);
  if (!parsed.ok) return parsed;
  const { body, prompt, model } = parsed.inbound;
  const excess = bodyExcess(body, limits);
  if (excess !== null) return { ok: false, error: excess };
  const pool = models.find(model);
  if (pool === undefined) {
    const detail = `Asked for ${quoted(model)}.`;
    return { ok: false, error: gatewayError("model_not_found", { detail, param: "model" }) };
  }
  const chat = encodeChatBody(() => chatBodyOf(body));
  if (!chat.ok) return chat;
  const vocabulary = vocabularyOf(pool.candidates[0] ?? model);
  const { promptTokens } = countPromptTokens(prompt, vocabulary);
  return { ok: true, inputTokens: promptTokens };
}
