import { array, assert, nat, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { testSeed } from "../../test/seed.ts";
import { StreamReader, type StreamReaderOptions } from "./stream-reader.ts";

const PLAIN: StreamReaderOptions = { kind: "vllm", hideUsage: false, choices: 1 };

const delta = (content: string, more: string = ""): string =>
  `data: {"id":"a","model":"m","choices":[{"index":0,"delta":{"content":${JSON.stringify(content)}},"finish_reason":null}]${more}}\n\n`;
const finish = (index: number = 0): string =>
  `data: {"id":"a","model":"m","choices":[{"index":${index},"delta":{},"finish_reason":"stop"}]}\n\n`;
const usage = (completion: number): string =>
  `data: {"id":"a","model":"m","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":${completion}}}\n\n`;
const DONE = "data: [DONE]\n\n";

function read(
  text: string | Buffer,
  options: Partial<StreamReaderOptions> = {},
): { reader: StreamReader; out: string; end: ReturnType<StreamReader["finish"]> } {
  const reader = new StreamReader({ ...PLAIN, ...options });
  const out = reader.push(Buffer.from(text))?.toString("utf8") ?? "";
  return { reader, out, end: reader.finish() };
}

describe("bytes", () => {
  it("a chunk of whole events is passed on as the same object", () => {
    const reader = new StreamReader({ ...PLAIN, hideUsage: true });
    for (const text of [delta("a"), delta("b") + delta("c"), finish() + DONE]) {
      const chunk = Buffer.from(text);
      expect(reader.push(chunk)).toBe(chunk);
    }
  });

  it("an event leaves when it is whole, so that another may be put in between", () => {
    const reader = new StreamReader(PLAIN);
    const bytes = Buffer.from(delta("a") + delta("b"));
    const cut = delta("a").length + 10;
    expect(reader.push(bytes.subarray(0, cut))?.toString()).toBe(delta("a"));
    expect(reader.tokens).toBe(1);
    expect(reader.push(bytes.subarray(cut, cut + 5))).toBeNull();
    expect(reader.push(bytes.subarray(cut + 5))?.toString()).toBe(delta("b"));
  });

  it("hidden usage is cut out from between its neighbours", () => {
    const { reader, out } = read(delta("a") + finish() + usage(1) + DONE, { hideUsage: true });
    expect(out).toBe(delta("a") + finish() + DONE);
    expect(reader.usage).toEqual({ promptTokens: 7, completionTokens: 1, cachedTokens: null });
    expect(new StreamReader({ ...PLAIN, hideUsage: true }).push(Buffer.from(usage(1)))).toBeNull();
  });

  it("usage beside a choice is not hidden", () => {
    const text = delta("a", ',"usage":{"prompt_tokens":7,"completion_tokens":1}');
    const { reader, out } = read(text, { hideUsage: true });
    expect(out).toBe(text);
    expect(reader.usage?.completionTokens).toBe(1);
  });

  it("an empty list of choices without usage is not hidden", () => {
    const text = 'data: {"choices":[],"prompt_filter_results":[]}\n\n';
    expect(read(text, { hideUsage: true }).out).toBe(text);
  });

  it("an event too long to hold passes by unread and the next one is read again", () => {
    const reader = new StreamReader(PLAIN);
    const piece = Buffer.alloc(6 * 1024 * 1024, "x");
    const head = Buffer.from("data: ");
    const passed = [head, piece, piece, piece, Buffer.from(`\n\n${delta("a")}`)].map(
      (chunk) => reader.push(chunk)?.length ?? 0,
    );
    expect(passed).toEqual([0, 0, 0, 6 + 3 * piece.length, 2 + delta("a").length]);
    expect(reader.tokens).toBe(1);
  });

  it("an empty chunk changes nothing", () => {
    const reader = new StreamReader(PLAIN);
    expect(reader.push(Buffer.alloc(0))).toBeNull();
    expect(reader.finish()).toMatchObject({ reason: "no-finish-reason" });
  });
});

describe("an event like the last one but for its words", () => {
  it.each<[string, string, number]>([
    ["is counted", delta("b c"), 3],
    ["is counted where its words hold a quote", delta('say "b"'), 3],
    ["is counted where they end with a backslash", delta("b\\"), 3],
    ["is not where it has none", delta(""), 2],
  ])("%s", (_, event, tokens) => {
    const { reader, end } = read(delta("a") + delta("é") + event + finish() + DONE);
    expect([reader.tokens, end.good]).toEqual([tokens, true]);
  });

  it("still tells what stands behind its words", () => {
    const counted = delta("b", ',"usage":{"prompt_tokens":7,"completion_tokens":9}');
    const { reader } = read(delta("a") + delta("a") + counted + finish() + DONE);
    expect(reader.usage?.completionTokens).toBe(9);
    const broken = delta("b", ',"error":{"message":"out of memory"}');
    expect(read(delta("a") + delta("a") + broken).end).toMatchObject({ reason: "error-event" });
  });
});

describe("the format", () => {
  it.each<[string, string]>([
    ["CRLF", (delta("é") + finish() + usage(1) + DONE).replaceAll("\n", "\r\n")],
    ["a byte order mark", `\uFEFF${delta("é")}${finish()}${usage(1)}${DONE}`],
    ["comments", `: hello\n\n:\n\n${delta("é")}: ping\n\n${finish()}:\n${usage(1)}${DONE}`],
    [
      "no space after data:",
      (delta("é") + finish() + usage(1) + DONE).replaceAll("data: ", "data:"),
    ],
    ["other fields", `id: 1\nevent: message\n${delta("é")}retry: 5\n${finish()}${usage(1)}${DONE}`],
    ["spaces in JSON", (delta("é") + finish() + usage(1) + DONE).replaceAll(/":/g, '": ')],
    ["blank lines", `\n\n\n${delta("é")}\n${finish()}\n\n${usage(1)}${DONE}`],
    [
      "data over several lines",
      `data: {"id":"a","model":"m",\ndata: "choices":[{"index":0,"delta":{"content":"é"}}]}\n\n${finish()}${usage(1)}${DONE}`,
    ],
  ])("%s, in any split", (_, text) => {
    const bytes = Buffer.from(text);
    assert(
      property(array(nat(bytes.length), { maxLength: 12 }), (cuts) => {
        const reader = new StreamReader({ ...PLAIN, hideUsage: true });
        const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
        const pieces = places.slice(1).map((to, i) => bytes.subarray(places[i], to));
        const out = Buffer.concat(pieces.flatMap((piece) => reader.push(piece) ?? [])).toString();
        expect(reader.finish()).toEqual({ good: true, rest: null });
        expect(reader).toMatchObject({ tokens: 1, firstTokenSeen: true, done: true });
        expect(reader).toMatchObject({ finishReason: "stop", model: "m", id: "a" });
        expect(reader.usage?.promptTokens).toBe(7);
        expect(out).not.toContain("usage");
        expect(out).toContain("é");
      }),
      { seed: testSeed, numRuns: 100 },
    );
  });

  it("words in content are not taken for keys", () => {
    const tricky = 'say "usage":{"prompt_tokens":1} and "error":{} and "finish_reason":"stop"';
    const { reader, end } = read(delta("a") + delta(tricky) + delta("error") + delta("usage"));
    expect(reader).toMatchObject({
      tokens: 4,
      usage: null,
      errorMessage: null,
      finishReason: null,
    });
    expect(end).toMatchObject({ good: false, reason: "no-finish-reason" });
  });
});

describe("tokens", () => {
  it.each<[string, string, number]>([
    ["role only", '{"role":"assistant","content":""}', 0],
    ["role with null", '{"role":"assistant","content":null}', 0],
    ["role with content", '{"role":"assistant","content":"a"}', 1],
    ["reasoning", '{"reasoning":"a"}', 1],
    ["reasoning_content", '{"reasoning_content":"a"}', 1],
    ["tool call", '{"tool_calls":[{"index":0,"function":{"arguments":"1"}}]}', 1],
    ["tool call beside null", '{"content":null,"tool_calls":[{"index":0}]}', 1],
    ["refusal", '{"refusal":"no"}', 1],
    ["nothing", "{}", 0],
  ])("%s", (_, value, tokens) => {
    const event = `data: {"id":"a","choices":[{"index":0,"delta":${value},"finish_reason":null}]}\n\n`;
    const first = read(event).reader;
    const later = read(delta("x") + event).reader;
    expect([first.tokens, later.tokens]).toEqual([tokens, tokens + 1]);
  });

  it("the engine's count is the last word once every choice has finished", () => {
    const reader = new StreamReader(PLAIN);
    reader.push(Buffer.from(delta("a") + delta("b")));
    expect(reader.tokens).toBe(2);
    reader.push(Buffer.from(finish() + usage(9)));
    expect(reader.tokens).toBe(9);
  });

  it("usage that comes once a choice is summed, a repeated total is not", () => {
    const text = delta("a") + finish(0) + usage(3) + finish(1) + usage(4);
    expect(read(text, { choices: 2 }).reader.usage?.completionTokens).toBe(7);
    expect(read(text).reader.usage?.completionTokens).toBe(4);
  });

  it("cached tokens are read from the details or from llama.cpp's timings", () => {
    const withDetails =
      '"usage":{"prompt_tokens":7,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":5}}';
    const withTimings = '"usage":{"prompt_tokens":7,"completion_tokens":1},"timings":{"cache_n":6}';
    const cached = [withDetails, withTimings].map(
      (fields) => read(`data: {"choices":[],${fields}}\n\n`).reader.usage?.cachedTokens,
    );
    expect(cached).toEqual([5, 6]);
  });
});

describe("the end", () => {
  it.each<[string, string, Partial<StreamReaderOptions>, string]>([
    ["finish and [DONE]", delta("a") + finish() + DONE, {}, "good"],
    ["no [DONE]", delta("a") + finish(), {}, "good"],
    ["[DONE] alone", delta("a") + DONE, {}, "no-finish-reason"],
    ["nothing", "", {}, "no-finish-reason"],
    ["cut in an event", delta("a") + delta("b").slice(0, 40), {}, "truncated-event"],
    ["cut after the finish", delta("a") + finish() + usage(2).slice(0, 40), {}, "good"],
    ["an error", `${delta("a")}data: {"error":{"message":"no","code":500}}\n\n`, {}, "error-event"],
    ["an error as text", 'data: {"error":"no"}\n\n', {}, "error-event"],
    ["an event named error", 'event: error\ndata: {"message":"no"}\n\n', {}, "error-event"],
    ["an event named error, not JSON", "event: error\ndata: no\n\n", {}, "error-event"],
    ["an error object of old", 'data: {"object":"error","message":"no"}\n\n', {}, "error-event"],
    ["one of two choices", delta("a") + finish(0) + DONE, { choices: 2 }, "no-finish-reason"],
    ["both choices", finish(1) + finish(0) + DONE, { choices: 2 }, "good"],
    ["one where n is ignored", finish(0) + DONE, { choices: 2, kind: "ollama" }, "good"],
    ["no blank line at the end", delta("a") + finish().trimEnd(), {}, "good"],
  ])("%s", (_, text, options, expected) => {
    const { reader, end } = read(text, options);
    expect(end.good ? "good" : end.reason).toBe(expected);
    if (expected === "error-event") expect(reader.errorMessage).toBe("no");
  });

  it("a last event without its blank line is handed out with the end", () => {
    const { out, end } = read(`${delta("a")}${finish()}data: [DONE]`);
    expect(out).toBe(delta("a") + finish());
    expect(end).toEqual({ good: true, rest: Buffer.from("data: [DONE]") });
  });

  it("hidden usage stays hidden there too", () => {
    const text = finish() + usage(1).trimEnd();
    expect(read(text, { hideUsage: true }).end).toEqual({ good: true, rest: null });
    expect(read(text).end).toEqual({ good: true, rest: Buffer.from(usage(1).trimEnd()) });
  });

  it("nonsense in the stream does not throw", () => {
    const text =
      'data: nope\n\ndata: [1]\n\ndata: null\n\ndata: {"choices":[null,{"index":1e9,"finish_reason":"stop"},{"index":-1}],"usage":{"prompt_tokens":"x"}}\n\n';
    expect(read(text).reader).toMatchObject({ tokens: 0, usage: null, finishReason: null });
  });
});

it("hands every event's JSON to onEvent, in order", () => {
  const events: unknown[] = [];
  read(delta("a") + delta("b") + finish() + DONE, { onEvent: (event) => events.push(event) });
  expect(events).toHaveLength(3);
  expect(events[1]).toMatchObject({ choices: [{ delta: { content: "b" } }] });
});
