import { describe, expect, test } from "vitest";
import { parseInbound } from "./inbound.ts";

const chat = { model: "m", messages: [{ role: "user", content: "hi" }] };

function parse(body: unknown, surface: "chat" | "completions" = "chat") {
  return parseInbound(surface, Buffer.from(JSON.stringify(body)));
}

function choices(body: object, surface: "chat" | "completions"): number | null {
  const result = parse({ ...chat, ...body }, surface);
  return result.ok ? result.inbound.choices : null;
}

describe("what is read of a request", () => {
  test("stream, usage and the limit on output tokens", () => {
    const result = parse({
      ...chat,
      stream: true,
      stream_options: { include_usage: true },
      max_tokens: 7,
    });
    expect(result).toMatchObject({
      ok: true,
      inbound: { model: "m", streams: true, wantsUsage: true },
    });
  });

  test("the choices: n, times the prompts", () => {
    expect(choices({}, "chat")).toBe(1);
    expect(choices({ n: 3 }, "chat")).toBe(3);
    expect(choices({ prompt: ["a", "b"], n: 2 }, "completions")).toBe(4);
    expect(choices({ prompt: [1, 2, 3] }, "completions")).toBe(1);
    expect(choices({ prompt: [[1], [2]] }, "completions")).toBe(2);
  });

  test("limits of no tokens and of null, which some clients send", () => {
    for (const max_tokens of [null, -1, 0]) {
      expect(parse({ ...chat, max_tokens })).toMatchObject({ ok: true });
    }
  });

  test("a prompt as text, as texts or as tokens", () => {
    for (const prompt of ["a", ["a", "b"], [1, 2]]) {
      expect(parse({ model: "m", prompt }, "completions")).toMatchObject({ ok: true });
    }
  });
});

describe("what is refused", () => {
  test.each([
    ["no model", { ...chat, model: undefined }, "model"],
    ["an empty model", { ...chat, model: "" }, "model"],
    ["no messages", { model: "m" }, "messages"],
    ["empty messages", { model: "m", messages: [] }, "messages"],
    ["a message without role", { model: "m", messages: [{ content: "x" }] }, "messages[0]"],
    ["a message that is text", { model: "m", messages: ["x"] }, "messages[0]"],
    ["a stream that is text", { ...chat, stream: "yes" }, "stream"],
    ["a broken limit", { ...chat, max_tokens: 1.5 }, "max_tokens"],
    ["an array", [1], null],
    ["null", null, null],
  ])("%s", (_name, body, param) => {
    expect(parse(body)).toMatchObject({ ok: false, error: { code: "invalid_request", param } });
  });

  test.each([
    ["nothing", Buffer.alloc(0)],
    ["broken JSON", Buffer.from('{"model":')],
    ["bytes that are not UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
  ])("%s", (_name, bytes) => {
    expect(parseInbound("chat", bytes)).toMatchObject({
      ok: false,
      error: { code: "invalid_json" },
    });
  });

  test("a million nested arrays, without a crash", () => {
    const deep = "[".repeat(1_000_000) + "]".repeat(1_000_000);
    const bytes = Buffer.from(`{"model":"m","messages":${deep}}`);
    expect(parseInbound("chat", bytes).ok).toBe(false);
  });
});
