import type { ServerResponse } from "node:http";
import type { AnswerFormat } from "../engine/answer-reader.ts";
import type { OutputLimits } from "../engine/request-body.ts";
import type { Clock } from "../engine/clock.ts";
import type { Answer } from "./answer.ts";
import type { ErrorFormat } from "./error-format.ts";
import type { GatewayError } from "./errors.ts";
import type { HeaderList } from "./header-list.ts";
import type { Inbound, InboundResult, JsonObject } from "./inbound.ts";
import type { Pool } from "./models.ts";
import { type SilenceLimits, StreamAnswer } from "./stream-answer.ts";
import type { StreamDialect } from "./stream-dialect.ts";

/** What is known of a request when its answer begins. */
export interface AnswerContext {
  readonly requestId: string;
  /** Known before any engine is. */
  readonly earlyHeaders: HeaderList;
  readonly clock: Clock;
  readonly limits: SilenceLimits;
}

/** What the engines of a pool are sent for a request, and how their answer is told. */
export interface Plan {
  /** Below the API base of the engine. */
  readonly path: string;
  readonly format: AnswerFormat;
  /** A JSON object, and what it says of limits: the rest of its value must not live as long as the request. */
  readonly bytes: Buffer;
  readonly limits: OutputLimits;
  readonly answer: (response: ServerResponse, context: AnswerContext) => Answer;
}

export type PlanResult =
  | { readonly ok: true; readonly plan: Plan }
  | { readonly ok: false; readonly error: GatewayError };

/** One API that clients speak, on one path. */
export interface Surface {
  readonly errors: ErrorFormat;
  /** What every answer counts as; null where that is for the engine to say. */
  readonly outputTokens: number | null;
  parse(bytes: Buffer): InboundResult;
  plan(inbound: Inbound, pool: Pool): PlanResult;
}

export function outputLimitsOf(body: JsonObject): OutputLimits {
  return {
    max_tokens: body["max_tokens"],
    max_completion_tokens: body["max_completion_tokens"],
  };
}

export function streamAnswer(
  response: ServerResponse,
  context: AnswerContext,
  dialect: StreamDialect,
): StreamAnswer {
  const { clock, limits, earlyHeaders } = context;
  return new StreamAnswer(response, { clock, limits, earlyHeaders, dialect });
}
