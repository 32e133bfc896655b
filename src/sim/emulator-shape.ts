import type { AnswerPlan, Usage } from "./emulator-plan.ts";

/** What all parts of one answer say of it. */
export interface AnswerHead {
  readonly id: string;
  /** Unix time, seconds. */
  readonly created: number;
  readonly model: string;
}

/** The JSON of an answer, in the shape of vLLM 0.32; what does not change from token to token is built once. */
export interface AnswerShape {
  /** Comes with the first token; null where the API has none. */
  readonly roleEvent: string | null;
  /** A token is `prefix`, its text as JSON, `suffix`. */
  readonly tokenPrefix: string;
  readonly tokenSuffix: string;
  /** Follows the text of the last token. */
  finishSuffix(plan: AnswerPlan): string;
  usageEvent(usage: Usage): string;
  /** A whole answer, not streamed. */
  whole(plan: AnswerPlan): string;
}

const FINGERPRINT = "emulated";

export function chatShape(head: AnswerHead): AnswerShape {
  const start = eventStart({ ...head, object: "chat.completion.chunk" });
  return {
    roleEvent: `${start}"choices":[{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}],"prompt_token_ids":null,"prompt_text":null}\n\n`,
    tokenPrefix: `${start}"choices":[{"index":0,"delta":{"content":`,
    tokenSuffix: `},"logprobs":null,"finish_reason":null,"token_ids":null}]}\n\n`,
    finishSuffix: (plan) =>
      `},"logprobs":null,"finish_reason":"${plan.finishReason}","stop_reason":${JSON.stringify(plan.stopReason)},"token_ids":null}],"system_fingerprint":"${FINGERPRINT}"}\n\n`,
    usageEvent: (usage) => usageEvent(start, usage),
    whole: (plan) =>
      wholeAnswer({ ...head, object: "chat.completion" }, plan, (content) => ({
        message: {
          role: "assistant",
          content,
          refusal: null,
          annotations: null,
          audio: null,
          function_call: null,
          reasoning: null,
        },
      })),
  };
}

export function completionShape(head: AnswerHead): AnswerShape {
  const start = eventStart({ ...head, object: "text_completion" });
  const rest = `"prompt_token_ids":null,"token_ids":null}]`;
  return {
    roleEvent: null,
    tokenPrefix: `${start}"choices":[{"index":0,"text":`,
    tokenSuffix: `,"logprobs":null,"finish_reason":null,"stop_reason":null,${rest}}\n\n`,
    finishSuffix: (plan) =>
      `,"logprobs":null,"finish_reason":"${plan.finishReason}","stop_reason":${JSON.stringify(plan.stopReason)},${rest},"system_fingerprint":"${FINGERPRINT}"}\n\n`,
    usageEvent: (usage) => usageEvent(start, usage),
    whole: (plan) =>
      wholeAnswer({ ...head, object: "text_completion" }, plan, (text) => ({ text })),
  };
}

interface Named extends AnswerHead {
  readonly object: string;
}

function eventStart({ id, object, created, model }: Named): string {
  return `data: ${JSON.stringify({ id, object, created, model }).slice(0, -1)},`;
}

function usageEvent(start: string, usage: Usage): string {
  return `${start}"choices":[],"usage":${JSON.stringify(usageOf(usage))},"system_fingerprint":"${FINGERPRINT}"}\n\n`;
}

function usageOf({ promptTokens, outputTokens }: Usage): Record<string, number> {
  return {
    prompt_tokens: promptTokens,
    total_tokens: promptTokens + outputTokens,
    completion_tokens: outputTokens,
  };
}

function wholeAnswer(
  { id, object, created, model }: Named,
  plan: AnswerPlan,
  content: (text: string) => object,
): string {
  const { pieces, finishReason, stopReason, usage } = plan;
  const choice = {
    index: 0,
    ...content(pieces.join("")),
    logprobs: null,
    finish_reason: finishReason,
    stop_reason: stopReason,
    token_ids: null,
  };
  return JSON.stringify({
    id,
    object,
    created,
    model,
    choices: [choice],
    service_tier: null,
    system_fingerprint: FINGERPRINT,
    usage: { ...usageOf(usage), prompt_tokens_details: null, completion_tokens_details: null },
  });
}
