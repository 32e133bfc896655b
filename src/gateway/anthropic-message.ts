import type { StreamUsage } from "../engine/stream-reader.ts";
import { type ChatPiece, readChatDelta } from "./chat-delta.ts";
import { isObject, parseJson } from "./inbound.ts";
import type { Translation } from "./stream-dialect.ts";

export interface MessageOptions {
  readonly requestId: string;
  /** The client asked for the model's thoughts. */
  readonly showsThinking: boolean;
}

interface Block {
  readonly type: "text" | "thinking" | "tool_use";
  /** Of a tool use: the number and the id that the engine gave the call. */
  readonly callIndex: number | null;
  readonly id: string;
  readonly name: string;
  /** Text, thoughts, or the JSON text of the arguments. */
  text: string;
}

const STOP_REASONS: Readonly<Record<string, string>> = {
  stop: "end_turn",
  length: "max_tokens",
  tool_calls: "tool_use",
  function_call: "tool_use",
  content_filter: "refusal",
};

/**
 * A message of the Anthropic API, made of a chat completion's events. Its blocks follow one another:
 * a call that the engine goes on with after another one has begun cannot be told as its own, and
 * engines do not do that. The first event says no input tokens, because engines count at the end;
 * the last one has all counts.
 */
export class AnthropicMessage implements Translation {
  readonly #options: MessageOptions;
  readonly #blocks: Block[] = [];
  #text = "";
  #model: string | null = null;
  #isOpen = false;
  #finishReason: string | null = null;
  #stopSequence: string | null = null;

  constructor(options: MessageOptions) {
    this.#options = options;
  }

  add(event: unknown): void {
    const delta = readChatDelta(event);
    if (delta === null) return;
    if (this.#model === null) this.#start(delta.model ?? "");
    for (const piece of delta.pieces) this.#addPiece(piece);
    this.#finishReason ??= delta.finishReason;
    this.#stopSequence ??= delta.stopSequence;
  }

  take(): string {
    const text = this.#text;
    this.#text = "";
    return text;
  }

  close(usage: StreamUsage | null): string {
    this.#closeBlock();
    this.#tell("message_delta", { delta: this.#stop(), usage: usageOf(usage) });
    this.#tell("message_stop", {});
    return this.take();
  }

  result(usage: StreamUsage | null): object {
    const content = this.#blocks.map(contentOf);
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
    const last = this.#blocks.at(-1);
    if (last?.type === "tool_use") return { stop_reason: "tool_use", stop_sequence: null };
    const stopSequence = this.#stopSequence;
    const stopReason = stopSequence === null ? reason : "stop_sequence";
    return { stop_reason: stopReason, stop_sequence: stopSequence };
  }

  #addPiece(piece: ChatPiece): void {
    if (piece.kind === "call") return this.#addCall(piece);
    const isThought = piece.kind === "reasoning";
    if (isThought && !this.#options.showsThinking) return;
    const type = isThought ? "thinking" : "text";
    const block = this.#current((known) => known.type === type) ?? this.#open({ type });
    block.text += piece.text;
    const delta = isThought
      ? { type: "thinking_delta", thinking: piece.text }
      : { type: "text_delta", text: piece.text };
    this.#tell("content_block_delta", { index: this.#blocks.length - 1, delta });
  }

  #addCall(piece: ChatPiece & { readonly kind: "call" }): void {
    const { index, id, name } = piece;
    const goesOn = (known: Block): boolean =>
      known.type === "tool_use" &&
      (index === null || known.callIndex === index) &&
      (id === null || known.id === id);
    const block =
      this.#current(goesOn) ??
      this.#open({
        type: "tool_use",
        callIndex: index,
        id: id ?? `toolu_${this.#options.requestId}_${this.#blocks.length}`,
        name: name ?? "",
      });
    if (piece.arguments === "") return;
    block.text += piece.arguments;
    const delta = { type: "input_json_delta", partial_json: piece.arguments };
    this.#tell("content_block_delta", { index: this.#blocks.length - 1, delta });
  }

  #current(fits: (block: Block) => boolean): Block | null {
    const block = this.#blocks.at(-1);
    return this.#isOpen && block !== undefined && fits(block) ? block : null;
  }

  #open(fields: Pick<Block, "type"> & Partial<Block>): Block {
    this.#closeBlock();
    const block: Block = { callIndex: null, id: "", name: "", text: "", ...fields };
    this.#blocks.push(block);
    this.#isOpen = true;
    const index = this.#blocks.length - 1;
    this.#tell("content_block_start", { index, content_block: contentOf(block) });
    return block;
  }

  #closeBlock(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#tell("content_block_stop", { index: this.#blocks.length - 1 });
  }

  #tell(type: string, fields: object): void {
    this.#text += `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
  }
}

function contentOf({ type, id, name, text }: Block): object {
  switch (type) {
    case "text":
      return { type, text };
    case "thinking":
      return { type, thinking: text, signature: "" };
    case "tool_use":
      return { type, id, name, input: inputOf(text) };
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
