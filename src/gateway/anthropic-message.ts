import type { StreamUsage } from "../engine/stream-reader.ts";
import { readChatDelta } from "./chat-delta.ts";
import { isObject, parseJson } from "./inbound.ts";
import { type Part, PartSequence } from "./part-sequence.ts";
import type { Translation } from "./stream-dialect.ts";

export interface MessageOptions {
  readonly requestId: string;
  /** Events are told; else only the whole is put together. */
  readonly streams: boolean;
  /** The client asked for the model's thoughts. */
  readonly showsThinking: boolean;
}

const STOP_REASONS: Readonly<Record<string, string>> = {
  stop: "end_turn",
  length: "max_tokens",
  tool_calls: "tool_use",
  function_call: "tool_use",
  content_filter: "refusal",
};

/**
 * A message of the Anthropic API, made of a chat completion's events. The first event says no input
 * tokens, because engines count at the end; the last one has all counts.
 */
export class AnthropicMessage implements Translation {
  readonly #options: MessageOptions;
  readonly #sequence: PartSequence;
  #text = "";
  #model: string | null = null;
  #finishReason: string | null = null;
  #stopSequence: string | null = null;

  constructor(options: MessageOptions) {
    this.#options = options;
    this.#sequence = new PartSequence({
      opened: (part, index) => {
        const block = this.#blockOf({ ...part, text: "" }, index);
        this.#tell("content_block_start", { index, content_block: block });
      },
      grew: (part, index, text) => {
        this.#tell("content_block_delta", { index, delta: deltaOf(part, text) });
      },
      closed: (_part, index) => this.#tell("content_block_stop", { index }),
    });
  }

  add(event: unknown): void {
    const delta = readChatDelta(event);
    if (delta === null) return;
    if (this.#model === null) this.#start(delta.model ?? "");
    for (const piece of delta.pieces) {
      if (piece.kind !== "reasoning" || this.#options.showsThinking) this.#sequence.add(piece);
    }
    this.#finishReason ??= delta.finishReason;
    this.#stopSequence ??= delta.stopSequence;
  }

  take(): string {
    const text = this.#text;
    this.#text = "";
    return text;
  }

  close(usage: StreamUsage | null): string {
    this.#sequence.close();
    this.#tell("message_delta", { delta: this.#stop(), usage: usageOf(usage) });
    this.#tell("message_stop", {});
    return this.take();
  }

  result(usage: StreamUsage | null): object {
    const content = this.#sequence.parts.map((part, index) => this.#blockOf(part, index));
    return { ...this.#head(), content, ...this.#stop(), usage: usageOf(usage) };
  }

  #start(model: string): void {
    this.#model = model;
    const rest = { content: [], stop_reason: null, stop_sequence: null, usage: usageOf(null) };
    this.#tell("message_start", { message: { ...this.#head(), ...rest } });
  }

  #head(): object {
    const id = `msg_${this.#options.requestId}`;
    return { id, type: "message", role: "assistant", model: this.#model ?? "" };
  }

  #stop(): { readonly stop_reason: string; readonly stop_sequence: string | null } {
    const reason = STOP_REASONS[this.#finishReason ?? "stop"] ?? "end_turn";
    if (reason !== "end_turn") return { stop_reason: reason, stop_sequence: null };
    // Some engines end with "stop" after a call.
    const endsWithCall = this.#sequence.parts.at(-1)?.kind === "call";
    if (endsWithCall) return { stop_reason: "tool_use", stop_sequence: null };
    const stopSequence = this.#stopSequence;
    const stopReason = stopSequence === null ? reason : "stop_sequence";
    return { stop_reason: stopReason, stop_sequence: stopSequence };
  }

  #blockOf({ kind, callId, name, text }: Part, index: number): object {
    switch (kind) {
      case "text":
        return { type: "text", text };
      case "reasoning":
        return { type: "thinking", thinking: text, signature: "" };
      case "call": {
        const id = callId ?? `toolu_${this.#options.requestId}_${index}`;
        return { type: "tool_use", id, name, input: inputOf(text) };
      }
    }
  }

  #tell(type: string, fields: object): void {
    if (!this.#options.streams) return;
    this.#text += `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
  }
}

function deltaOf({ kind }: Part, text: string): object {
  switch (kind) {
    case "text":
      return { type: "text_delta", text };
    case "reasoning":
      return { type: "thinking_delta", thinking: text };
    case "call":
      return { type: "input_json_delta", partial_json: text };
  }
}

/** Arguments that are no JSON object, for example cut off at the token limit, keep their words. */
function inputOf(text: string): object {
  if (text.trim() === "") return {};
  const value = parseJson(Buffer.from(text))?.value;
  return isObject(value) ? value : { _unparsed: text };
}

/** Input tokens without the cached ones, as this API counts them. */
function usageOf(usage: StreamUsage | null): object {
  const cached = usage?.cachedTokens ?? 0;
  return {
    input_tokens: Math.max(0, (usage?.promptTokens ?? 0) - cached),
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cached,
    output_tokens: usage?.completionTokens ?? 0,
  };
}
