import { createParser } from "eventsource-parser";
import { authorization } from "./api.ts";

export interface ChatQuestion {
  readonly prompt: string;
  readonly model: string;
  readonly outputTokensMax: number;
  readonly key: string;
}

export interface ChatListener {
  /** Once, before any text. */
  started(headers: Headers): void;
  text(piece: string): void;
}

/** Streams one answer. Rejects with the gateway's own sentence when it refuses or breaks off. */
export async function streamChat(
  { prompt, model, outputTokensMax, key }: ChatQuestion,
  listener: ChatListener,
  signal: AbortSignal,
): Promise<void> {
  const response = await fetch("/v1/chat/completions", {
    method: "POST",
    headers: { "content-type": "application/json", ...authorization(key) },
    body: JSON.stringify({
      model,
      stream: true,
      max_tokens: outputTokensMax,
      messages: [{ role: "user", content: prompt }],
    }),
    signal,
  });
  listener.started(response.headers);
  if (!response.ok || response.body === null) {
    throw new Error(errorIn(await response.text()) ?? `The gateway answered ${response.status}.`);
  }
  const parser = createParser({ onEvent: ({ data }) => listener.text(textIn(data)) });
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    parser.feed(read.value);
  }
}

/** The text that one event adds. Throws the error that an event may be. */
export function textIn(data: string): string {
  if (data === "[DONE]") return "";
  const error = errorIn(data);
  if (error !== null) throw new Error(error);
  const chunk: { choices?: { delta?: { content?: string | null } }[] } = JSON.parse(data);
  return chunk.choices?.[0]?.delta?.content ?? "";
}

function errorIn(text: string): string | null {
  try {
    const body: { error?: { message?: string } } = JSON.parse(text);
    return body.error === undefined ? null : (body.error.message ?? "The gateway told an error.");
  } catch {
    return null;
  }
}
