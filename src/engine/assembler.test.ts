import { describe, expect, it } from "vitest";
import { Assembler } from "./assembler.ts";

function assembled(events: readonly unknown[]): Record<string, unknown> {
  const assembler = new Assembler();
  for (const event of events) assembler.add(event);
  return assembler.result(null);
}

const chat = (delta: unknown, more: object = {}, index: number = 0): unknown => ({
  id: "a",
  object: "chat.completion.chunk",
  model: "m",
  choices: [{ index, delta, ...more }],
});

const call = (index: number, more: object): unknown => piece({ index, ...more });

const piece = (more: object): unknown => ({ tool_calls: [more] });

const text = (text: string, finish: string | null, offset: number): unknown => ({
  object: "text_completion",
  choices: [
    {
      index: 0,
      text,
      finish_reason: finish,
      logprobs: { tokens: [text], text_offset: [offset] },
    },
  ],
});

describe("a chat completion", () => {
  it("is put together from its events", () => {
    const events = [
      chat({ role: "assistant", content: "" }, { logprobs: null, finish_reason: null }),
      chat({ content: "Hel" }, { logprobs: { content: [{ token: "Hel" }] }, finish_reason: null }),
      chat({ content: "lo" }, { logprobs: { content: [{ token: "lo" }] }, finish_reason: null }),
      chat({}, { finish_reason: "stop", stop_reason: null }),
      { choices: [], usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } },
    ];
    expect(assembled(events)).toEqual({
      id: "a",
      object: "chat.completion",
      model: "m",
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: "Hello" },
          logprobs: { content: [{ token: "Hel" }, { token: "lo" }] },
          finish_reason: "stop",
          stop_reason: null,
        },
      ],
      usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
    });
  });

  it("keeps reasoning under either name, refusals and what it does not know", () => {
    const events = [
      chat({ reasoning: "a", reasoning_content: "x", refusal: "n", future: "p", list: [1] }),
      chat({ reasoning: "b", reasoning_content: "y", refusal: "o", future: "q", list: [2], n: 7 }),
    ];
    const message = { reasoning: "ab", reasoning_content: "xy", refusal: "no", future: "pq" };
    expect(assembled(events)["choices"]).toMatchObject([
      { message: { ...message, list: [1, 2], n: 7 } },
    ]);
  });

  it("joins the pieces of each tool call by its index", () => {
    const events = [
      chat(call(0, { id: "c0", type: "function", function: { name: "add", arguments: "{" } })),
      chat(call(1, { id: "c1", type: "function", function: { name: "sub", arguments: "" } })),
      chat(call(0, { function: { arguments: '"a":1}' } })),
      chat(call(1, { id: null, type: "function", function: { name: "sub", arguments: "{}" } })),
      chat({}, { finish_reason: "tool_calls" }),
    ];
    expect(assembled(events)["choices"]).toEqual([
      {
        index: 0,
        message: {
          role: "assistant",
          content: null,
          tool_calls: [
            { id: "c0", type: "function", function: { name: "add", arguments: '{"a":1}' } },
            { id: "c1", type: "function", function: { name: "sub", arguments: "{}" } },
          ],
        },
        logprobs: null,
        finish_reason: "tool_calls",
      },
    ]);
  });

  it("joins pieces of tool calls that come without an index", () => {
    const events = [
      chat(piece({ id: "a", function: { name: "f", arguments: "1" } })),
      chat(piece({ function: { arguments: "2" } })),
      chat(piece({ id: "b", function: { name: "g", arguments: "3" } })),
    ];
    expect(assembled(events)["choices"]).toMatchObject([
      {
        message: {
          tool_calls: [
            { function: { arguments: "12" } },
            { function: { name: "g", arguments: "3" } },
          ],
        },
      },
    ]);
  });

  it("orders choices by index, whichever came first", () => {
    const events = [
      chat({ content: "b" }, {}, 1),
      chat({ content: "a" }, {}, 0),
      chat({ content: "B" }, {}, 1),
    ];
    expect(assembled(events)["choices"]).toMatchObject([
      { index: 0, message: { content: "a" } },
      { index: 1, message: { content: "bB" } },
    ]);
  });

  it("takes the counts from the reader, who has seen all of them", () => {
    const assembler = new Assembler();
    assembler.add({
      choices: [],
      usage: { completion_tokens: 3, prompt_tokens_details: { cached_tokens: 1 } },
    });
    const usage = { promptTokens: 4, completionTokens: 6, cachedTokens: 1 };
    expect(assembler.result(usage)["usage"]).toEqual({
      prompt_tokens: 4,
      completion_tokens: 6,
      total_tokens: 10,
      prompt_tokens_details: { cached_tokens: 1 },
    });
  });
});

it("a text completion keeps its own shape", () => {
  expect(assembled([text("a", null, 0), text("b", "length", 1)])).toEqual({
    object: "text_completion",
    choices: [
      {
        index: 0,
        text: "ab",
        logprobs: { tokens: ["a", "b"], text_offset: [0, 1] },
        finish_reason: "length",
      },
    ],
  });
});

it("nonsense is passed over and pollutes nothing", () => {
  const hostile: unknown = JSON.parse(
    '{"__proto__":{"x":1},"choices":[{"index":0,"delta":{"__proto__":{"x":1},"tool_calls":[7,{"index":-1}]}},{"index":1e12,"delta":5}]}',
  );
  const result = assembled([null, 1, [], { choices: 5 }, { choices: [null, 3] }, hostile, hostile]);
  expect(Object.hasOwn(Object.prototype, "x")).toBe(false);
  expect(Array.isArray(result["choices"])).toBe(true);
});

it("events are not changed, so that others may read them too", () => {
  const event = chat({ list: [1], nested: { a: "x" } });
  const before = JSON.stringify(event);
  assembled([event, event]);
  expect(JSON.stringify(event)).toBe(before);
});
