import { type Prompt, readPrompt } from "../workflow/prompt.ts";
import { countPromptTokens } from "../workflow/token-count.ts";
import { openAiErrors } from "./error-format.ts";
import { gatewayError } from "./errors.ts";
import { type Inbound, type InboundResult, type JsonObject, parseHead } from "./inbound.ts";
import type { Pool } from "./models.ts";
import { PassedAnswer } from "./passed-answer.ts";
import { outputLimitsOf, type PlanResult, type Surface } from "./surface.ts";

/** Embeddings: the client's bytes there, the engine's bytes back, one token on the books. */
export const embeddingsSurface: Surface = {
  errors: openAiErrors,
  outputTokens: 1,
  parse: parseEmbeddings,
  plan: planEmbeddings,
};

function parseEmbeddings(bytes: Buffer): InboundResult {
  const parsed = parseHead(bytes);
  if (!parsed.ok) return parsed;
  const { body } = parsed.inbound;
  const input = body["input"];
  if (typeof input !== "string" && !(Array.isArray(input) && input.length > 0)) {
    const detail = "input must be a string or a non-empty array.";
    return { ok: false, error: gatewayError("invalid_request", { detail, param: "input" }) };
  }
  return { ok: true, inbound: { ...parsed.inbound, streams: false, prompt: promptOf(body) } };
}

/** Its length without its text: what is embedded is no conversation that others go on with. */
function promptOf(body: JsonObject): Prompt {
  const { promptTokens } = countPromptTokens(readPrompt({ prompt: body["input"] }));
  return { ...readPrompt({}), tokenIds: promptTokens };
}

function planEmbeddings({ bytes, body }: Inbound, pool: Pool): PlanResult {
  if (pool.candidates.length > 1) {
    const detail = "Vectors of different models do not compare: model must name a single one.";
    return { ok: false, error: gatewayError("invalid_request", { detail, param: "model" }) };
  }
  return {
    ok: true,
    plan: {
      path: "/embeddings",
      format: "whole",
      bytes,
      limits: outputLimitsOf(body),
      answer: (response) => new PassedAnswer(response),
    },
  };
}
