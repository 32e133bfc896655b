import { type ChatBodyResult, encodeChatBody } from "./chat-body.ts";
import type { ErrorFormat } from "./error-format.ts";
import { JsonAnswer } from "./json-answer.ts";
import { translatingDialect, type Translation } from "./stream-dialect.ts";
import { outputLimitsOf, type PlanResult, streamAnswer } from "./surface.ts";

export interface TranslatedPlanOptions {
  readonly streams: boolean;
  readonly errors: ErrorFormat;
  readonly ping: string;
  /** The body of the chat completion that is asked instead. */
  readonly translate: () => ChatBodyResult;
  /** Called for each attempt. */
  readonly create: (requestId: string) => Translation;
}

/** A request of another API as a chat completion, which engines of every kind have. */
export function translatedPlan(options: TranslatedPlanOptions): PlanResult {
  const { streams, errors, ping, translate, create } = options;
  const chat = encodeChatBody(translate);
  if (!chat.ok) return chat;
  return {
    ok: true,
    plan: {
      path: "/chat/completions",
      format: "completion",
      bytes: chat.bytes,
      limits: outputLimitsOf(chat.body),
      answer: (response, context) => {
        const createOne = (): Translation => create(context.requestId);
        return streams
          ? streamAnswer(response, context, translatingDialect(errors, ping, createOne))
          : new JsonAnswer(response, errors, createOne);
      },
    },
  };
}
