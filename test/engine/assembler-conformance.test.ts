import { describe, expect, it } from "vitest";
import { Assembler } from "../../src/engine/assembler.ts";
import { StreamReader } from "../../src/engine/stream-reader.ts";
import { recording, SKIP_REASON, streamRecordings } from "./recording.ts";

const streams = streamRecordings().map((stream) => [stream.name, stream] as const);

function assembled(stream: (typeof streams)[number][1]): Record<string, unknown> {
  const assembler = new Assembler();
  const onEvent = (event: unknown): void => assembler.add(event);
  const reader = new StreamReader({ kind: stream.kind, hideUsage: false, choices: 2, onEvent });
  reader.push(stream.body);
  reader.finish();
  return assembler.result(reader.usage);
}

interface Choice {
  readonly index: number;
  readonly text?: string;
  readonly delta?: Record<string, string | null>;
}

/** What the recorded pieces of one field add up to, read in the plainest way. */
function joined(body: string, index: number, field: string): string {
  const lines = body.split("\n").filter((line) => /^data: \{.*\}$/.test(line));
  const choices: Choice[] = lines.flatMap((line) => JSON.parse(line.slice(6)).choices ?? []);
  return choices
    .filter((choice) => choice.index === index)
    .map((choice) => choice.delta?.[field] ?? (field === "text" ? choice.text : "") ?? "")
    .join("");
}

describe.skipIf(SKIP_REASON !== null)("answers assembled from recorded streams", () => {
  it.each(streams)("%s holds every piece of text", (_, stream) => {
    const body = stream.body.toString("utf8");
    const { choices } = assembled(stream);
    expect(Array.isArray(choices)).toBe(true);
    for (const choice of Array.isArray(choices) ? choices : []) {
      const { index, message, text } = choice;
      if (text !== undefined) expect(text).toBe(joined(body, index, "text"));
      else expect(message.content ?? "").toBe(joined(body, index, "content"));
      const reasoning = message?.reasoning_content ?? "";
      expect(reasoning).toBe(joined(body, index, "reasoning_content"));
    }
  });

  // The same request at temperature 0, asked with and without a stream.
  it.each([
    ["vllm/v0.32.0/chat-stream-usage", "vllm/v0.32.0/chat"],
    ["ollama/v0.17.4/chat-stream-usage", "ollama/v0.17.4/chat"],
    ["transformers-serve/v5.19.0/chat-stream", "transformers-serve/v5.19.0/chat"],
  ])("%s says what the plain answer says", (streamed, plain) => {
    const whole = JSON.parse(recording(plain).body.toString("utf8"));
    const { choices, object, usage } = assembled(recording(streamed));
    expect(object).toBe(whole.object);
    expect(choices).toMatchObject([
      {
        index: 0,
        message: { role: "assistant", content: whole.choices[0].message.content },
        finish_reason: whole.choices[0].finish_reason,
      },
    ]);
    expect(usage).toMatchObject({
      prompt_tokens: whole.usage.prompt_tokens,
      completion_tokens: whole.usage.completion_tokens,
    });
  });

  it("tool calls of llama.cpp and vLLM are whole", () => {
    const calls = [
      "llama-server/v0.5.0/tools-required-parallel-stream",
      "vllm/v0.32.0/tools-required-stream",
    ];
    for (const name of calls) {
      expect(assembled(recording(name))["choices"]).toMatchObject([
        { message: { tool_calls: [{ type: "function", function: { name: "add" } }] } },
      ]);
    }
  });
});
