import type { ServerResponse } from "node:http";
import type { TokenSink } from "./emulator-engine.ts";
import type { FaultSetting } from "./emulator-faults.ts";
import type { AnswerPlan } from "./emulator-plan.ts";
import type { Refusal } from "./emulator-refusal.ts";
import type { AnswerShape } from "./emulator-shape.ts";

/** Streams an answer. The headers go at once, while it still waits, as vLLM's do. */
export function streamAnswer(
  response: ServerResponse,
  plan: AnswerPlan,
  shape: AnswerShape,
  includeUsage: boolean,
): TokenSink {
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
  response.flushHeaders();
  const { tokenPrefix, tokenSuffix } = shape;
  const lastIndex = plan.pieces.length - 1;
  return {
    token: (index) => {
      if (index === 0 && shape.roleEvent !== null) response.write(shape.roleEvent);
      const piece = JSON.stringify(plan.pieces[index]);
      const isLast = index === lastIndex;
      response.write(tokenPrefix + piece + (isLast ? shape.finishSuffix(plan) : tokenSuffix));
      if (!isLast) return true;
      if (includeUsage) response.write(shape.usageEvent(plan.usage));
      response.end("data: [DONE]\n\n");
      return true;
    },
  };
}

/** Sends an answer in one piece when its last token was made. */
export function wholeAnswer(
  response: ServerResponse,
  plan: AnswerPlan,
  shape: AnswerShape,
): TokenSink {
  const lastIndex = plan.pieces.length - 1;
  return {
    token: (index) => {
      if (index === lastIndex) sendJson(response, 200, shape.whole(plan));
      return true;
    },
  };
}

/** Breaks an answer off in its middle. */
export function brokenAnswer(
  response: ServerResponse,
  sink: TokenSink,
  fault: FaultSetting,
  tokens: number,
): TokenSink {
  const breaksAt = Math.min(fault.afterTokens, tokens - 1);
  return {
    token: (index) => {
      if (index < breaksAt) return sink.token(index);
      if (fault.kind === "stall") return true;
      if (fault.kind === "reset") response.socket?.resetAndDestroy();
      else truncate(response);
      return false;
    },
  };
}

/** A stream ends as if nothing were amiss; a whole answer ends before the length it has promised. */
function truncate(response: ServerResponse): void {
  if (response.headersSent) {
    response.end();
    return;
  }
  response.writeHead(200, { "content-type": "application/json", "content-length": "512" });
  response.write(`{"id":"chatcmpl-`, () => response.destroy());
}

export function sendJson(response: ServerResponse, status: number, body: string): void {
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(body) };
  response.writeHead(status, headers);
  response.end(body);
}

export function refuse(response: ServerResponse, { status, body }: Refusal): void {
  sendJson(response, status, body);
}
