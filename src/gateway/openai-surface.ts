import { Assembler } from "../engine/assembler.ts";
import { openAiErrors } from "./error-format.ts";
import { type Inbound, type OpenAiKind, parseInbound } from "./inbound.ts";
import { JsonAnswer } from "./json-answer.ts";
import { passingDialect } from "./stream-dialect.ts";
import { outputLimitsOf, type Plan, streamAnswer, type Surface } from "./surface.ts";

export const chatSurface: Surface = passingSurface("chat", "/chat/completions");
export const completionsSurface: Surface = passingSurface("completions", "/completions");

/** Engines have this API themselves: bytes pass both ways. */
function passingSurface(kind: OpenAiKind, path: string): Surface {
  return {
    errors: openAiErrors,
    outputTokens: null,
    parse: (bytes) => parseInbound(kind, bytes),
    plan: (inbound) => ({ ok: true, plan: passingPlan(path, inbound) }),
  };
}

function passingPlan(path: string, inbound: Inbound): Plan {
  const { bytes, body, streams, wantsUsage } = inbound;
  return {
    path,
    format: "completion",
    bytes,
    limits: outputLimitsOf(body),
    answer: (response, context) =>
      streams
        ? streamAnswer(response, context, passingDialect(wantsUsage))
        : new JsonAnswer(response, openAiErrors, () => new Assembler()),
  };
}
