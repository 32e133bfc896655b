import { TextHash } from "../workflow/text-hash.ts";
import type { EmulatorOptions } from "./emulator-options.ts";
import { splitText, type RecordedAnswer } from "./emulator-playback.ts";
import { badRequest, type Refusal } from "./emulator-refusal.ts";
import type { Generation } from "./emulator-request.ts";
import { generateText } from "./emulator-text.ts";

export interface Usage {
  readonly promptTokens: number;
  readonly outputTokens: number;
}

/** An answer before it is made: what each token will say and how it will end. */
export interface AnswerPlan {
  /** One a token, at least one. */
  readonly pieces: readonly string[];
  readonly finishReason: "stop" | "length";
  /** The stop text that ended it. */
  readonly stopReason: string | null;
  /** What the engine computes, at least 1. */
  readonly promptTokens: number;
  /** What the answer says. */
  readonly usage: Usage;
}

/** The recorded answer token by token. The record's own limits made it, so those of the request do not count. */
export function planPlayback(answer: RecordedAnswer): AnswerPlan {
  const { promptTokens, outputTokens } = answer;
  return {
    pieces: splitText(answer.text, Math.max(1, outputTokens)),
    finishReason: "stop",
    stopReason: null,
    promptTokens: Math.max(1, promptTokens),
    usage: { promptTokens, outputTokens },
  };
}

/** A made-up answer whose length and words depend on the seed, the model and the prompt alone. */
export function planGenerated(generation: Generation, options: EmulatorOptions): AnswerPlan {
  const { promptTokens, promptHash, minTokens, stop } = generation;
  const hash = new TextHash().add(options.model).add(`${promptHash} ${options.seed}`).digest();
  const text = generateText(hash);
  const room = options.maxModelLen - promptTokens;
  const limit = Math.min(generation.maxTokens ?? room, room);
  const wanted = generation.ignoreEos ? limit : Math.max(text.tokens, minTokens);
  const cut = cutAtStop(text.pieces(Math.min(wanted, limit)), stop);
  const outputTokens = cut.pieces.length;
  const isCut = cut.stopReason === null && (wanted > limit || generation.ignoreEos);
  return {
    ...cut,
    finishReason: isCut ? "length" : "stop",
    promptTokens,
    usage: { promptTokens, outputTokens },
  };
}

/** The token that completes a stop text is the last one; nothing of the stop text is said. */
function cutAtStop(
  pieces: readonly string[],
  stop: readonly string[],
): Pick<AnswerPlan, "pieces" | "stopReason"> {
  const text = stop.length === 0 ? "" : pieces.join("");
  const found = stop
    .map((stopText) => ({ stopText, start: text.indexOf(stopText) }))
    .filter(({ start }) => start >= 0)
    .toSorted((a, b) => a.start + a.stopText.length - (b.start + b.stopText.length))[0];
  if (found === undefined) return { pieces, stopReason: null };
  const { stopText, start } = found;
  const kept: string[] = [];
  for (let offset = 0; offset < start + stopText.length;) {
    const piece = pieces[kept.length] ?? "";
    kept.push(piece.slice(0, Math.max(0, start - offset)));
    offset += piece.length;
  }
  return { pieces: kept, stopReason: stopText };
}

/** Why a request cannot fit into the context; null when it can. */
export function lengthProblem(generation: Generation, maxModelLen: number): Refusal | null {
  const { promptTokens, maxTokens } = generation;
  if (maxTokens !== null && maxTokens > maxModelLen) {
    const message = `max_tokens=${maxTokens} cannot be greater than max_model_len=${maxModelLen}.`;
    return badRequest(
      `${message} Please request fewer output tokens. (parameter=max_tokens, value=${maxTokens})`,
      "max_tokens",
    );
  }
  const context = `This model's maximum context length is ${maxModelLen} tokens. However, `;
  const value = `(parameter=input_tokens, value=${promptTokens})`;
  if (promptTokens >= maxModelLen) {
    const message = `your prompt contains at least ${promptTokens} input tokens, which exceeds this limit even without any output tokens. Please reduce the length of the input prompt.`;
    return badRequest(`${context}${message} ${value}`, "input_tokens");
  }
  const total = promptTokens + (maxTokens ?? 1);
  if (total <= maxModelLen) return null;
  const message = `you requested ${maxTokens} output tokens and your prompt contains at least ${promptTokens} input tokens, for a total of at least ${total} tokens. Please reduce the length of the input prompt or the number of requested output tokens.`;
  return badRequest(`${context}${message} ${value}`, "input_tokens");
}
