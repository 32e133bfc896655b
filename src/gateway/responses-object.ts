import type { StreamUsage } from "../engine/stream-reader.ts";
import { readChatDelta } from "./chat-delta.ts";
import type { JsonObject } from "./inbound.ts";
import { type Part, PartSequence } from "./part-sequence.ts";
import type { Translation } from "./stream-dialect.ts";

export interface ResponseOptions {
  readonly requestId: string;
  /** Events are told; else only the whole is put together. */
  readonly streams: boolean;
  /** The client's body: a response repeats what was asked for. */
  readonly asked: JsonObject;
}

type Status = "in_progress" | "completed" | "incomplete";

/** Why a response is not whole, by the chat's finish reason. */
const INCOMPLETE: Readonly<Record<string, string>> = {
  length: "max_output_tokens",
  content_filter: "content_filter",
};

/** A response of the Responses API, made of a chat completion's events. Nothing of it is kept. */
export class ResponseObject implements Translation {
  readonly #options: ResponseOptions;
  readonly #sequence: PartSequence;
  #text = "";
  #eventCount = 0;
  #model: string | null = null;
  #createdSeconds = 0;
  #finishReason: string | null = null;

  constructor(options: ResponseOptions) {
    this.#options = options;
    this.#sequence = new PartSequence({
      opened: (part, index) => this.#opened(part, index),
      grew: (part, index, text) => this.#grew(part, index, text),
      closed: (part, index) => this.#closed(part, index),
    });
  }

  add(event: unknown): void {
    const delta = readChatDelta(event);
    if (delta === null) return;
    if (this.#model === null) {
      this.#model = delta.model ?? "";
      this.#createdSeconds = delta.createdSeconds ?? 0;
      const response = this.#response("in_progress", null);
      this.#tell("response.created", { response });
      this.#tell("response.in_progress", { response });
    }
    for (const piece of delta.pieces) this.#sequence.add(piece);
    this.#finishReason ??= delta.finishReason;
  }

  take(): string {
    const text = this.#text;
    this.#text = "";
    return text;
  }

  close(usage: StreamUsage | null): string {
    this.#sequence.close();
    const status = this.#endStatus();
    this.#tell(`response.${status}`, { response: this.#response(status, usage) });
    return this.take();
  }

  result(usage: StreamUsage | null): object {
    return this.#response(this.#endStatus(), usage);
  }

  #endStatus(): Status {
    return INCOMPLETE[this.#finishReason ?? ""] === undefined ? "completed" : "incomplete";
  }

  #response(status: Status, usage: StreamUsage | null): object {
    const { requestId, asked } = this.#options;
    const reason = INCOMPLETE[this.#finishReason ?? ""];
    const isWhole = status !== "in_progress";
    return {
      id: `resp_${requestId}`,
      object: "response",
      created_at: this.#createdSeconds,
      status,
      error: null,
      incomplete_details: isWhole && reason !== undefined ? { reason } : null,
      instructions: asked["instructions"] ?? null,
      max_output_tokens: asked["max_output_tokens"] ?? null,
      metadata: asked["metadata"] ?? {},
      model: this.#model ?? "",
      output: isWhole ? this.#sequence.parts.map((part, index) => this.#item(part, index)) : [],
      parallel_tool_calls: asked["parallel_tool_calls"] ?? true,
      previous_response_id: null,
      reasoning: asked["reasoning"] ?? null,
      store: false,
      temperature: asked["temperature"] ?? null,
      text: asked["text"] ?? { format: { type: "text" } },
      tool_choice: asked["tool_choice"] ?? "auto",
      tools: asked["tools"] ?? [],
      top_p: asked["top_p"] ?? null,
      truncation: "disabled",
      usage: usage === null ? null : usageOf(usage),
    };
  }

  #opened(part: Part, index: number): void {
    const item = this.#item({ ...part, text: "" }, index, "in_progress");
    const empty = part.kind === "call" ? item : { ...item, content: [] };
    this.#tell("response.output_item.added", { output_index: index, item: empty });
    if (part.kind === "call") return;
    const content = { content_index: 0, part: contentOf(part, "") };
    this.#tell("response.content_part.added", { ...this.#place(part, index), ...content });
  }

  #grew(part: Part, index: number, delta: string): void {
    const place = this.#place(part, index);
    if (part.kind === "call") {
      this.#tell("response.function_call_arguments.delta", { ...place, delta });
    } else this.#tell(`${textEvent(part)}.delta`, { ...place, content_index: 0, delta });
  }

  #closed(part: Part, index: number): void {
    const place = this.#place(part, index);
    const { text } = part;
    if (part.kind === "call") {
      const { name } = part;
      this.#tell("response.function_call_arguments.done", { ...place, name, arguments: text });
    } else {
      this.#tell(`${textEvent(part)}.done`, { ...place, content_index: 0, text });
      const content = { content_index: 0, part: contentOf(part, text) };
      this.#tell("response.content_part.done", { ...place, ...content });
    }
    const item = this.#item(part, index);
    this.#tell("response.output_item.done", { output_index: index, item });
  }

  #item(part: Part, index: number, status: string = "completed"): object {
    const id = this.#itemId(part, index);
    const content = [contentOf(part, part.text)];
    switch (part.kind) {
      case "text":
        return { id, type: "message", role: "assistant", status, content };
      case "reasoning":
        return { id, type: "reasoning", status, summary: [], content };
      case "call": {
        const callId = part.callId ?? `call_${this.#options.requestId}_${index}`;
        const { name, text } = part;
        return { id, type: "function_call", call_id: callId, name, arguments: text, status };
      }
    }
  }

  #place(part: Part, index: number): object {
    return { item_id: this.#itemId(part, index), output_index: index };
  }

  #itemId({ kind }: Part, index: number): string {
    const prefix = kind === "text" ? "msg" : kind === "reasoning" ? "rs" : "fc";
    return `${prefix}_${this.#options.requestId}_${index}`;
  }

  #tell(type: string, fields: object): void {
    if (!this.#options.streams) return;
    const event = { type, sequence_number: this.#eventCount, ...fields };
    this.#eventCount++;
    this.#text += `event: ${type}\ndata: ${JSON.stringify(event)}\n\n`;
  }
}

function textEvent({ kind }: Part): string {
  return kind === "reasoning" ? "response.reasoning_text" : "response.output_text";
}

function contentOf({ kind }: Part, text: string): object {
  if (kind === "reasoning") return { type: "reasoning_text", text };
  return { type: "output_text", text, annotations: [], logprobs: [] };
}

function usageOf({ promptTokens, completionTokens, cachedTokens }: StreamUsage): object {
  return {
    input_tokens: promptTokens,
    input_tokens_details: { cached_tokens: cachedTokens ?? 0 },
    output_tokens: completionTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: promptTokens + completionTokens,
  };
}
