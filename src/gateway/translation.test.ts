import fc from "fast-check";
import { expect, test } from "vitest";
import { testSeed } from "../../test/seed.ts";
import { AnthropicMessage } from "./anthropic-message.ts";
import { isObject, type JsonObject } from "./inbound.ts";
import { ResponseObject } from "./responses-object.ts";
import type { Translation } from "./stream-dialect.ts";

const text = fc.string({ unit: "grapheme" });

const made = fc.record({ name: fc.constantFrom("look", "find"), arguments: text });

const delta = fc.oneof(
  fc.record({ content: text }),
  fc.record({ reasoning_content: text }),
  fc.record({ refusal: text }),
  fc
    .record({ index: fc.nat(2), id: fc.constantFrom("a", "b", "c"), function: made })
    .map((call) => ({ tool_calls: [call] })),
);

const chat: fc.Arbitrary<object[]> = fc
  .tuple(fc.array(delta), fc.constantFrom("stop", "length", "tool_calls", "content_filter"))
  .map(([deltas, reason]) => [
    ...deltas.map((fields) => eventOf(fields, null)),
    eventOf({}, reason),
  ]);

function eventOf(fields: object, reason: string | null): object {
  return { model: "up", created: 7, choices: [{ index: 0, delta: fields, finish_reason: reason }] };
}

const usage = { promptTokens: 9, completionTokens: 3, cachedTokens: 4 };

/** The events of the stream that a client would see, taken after each of the engine's. */
function streamed(translation: Translation, events: readonly object[]): JsonObject[] {
  let stream = "";
  for (const event of events) {
    translation.add(event);
    stream += translation.take();
  }
  stream += translation.close(usage);
  const blocks = stream.split("\n\n").slice(0, -1);
  return blocks.map((block) => JSON.parse(block.slice(block.indexOf("\ndata: ") + 7)));
}

function whole(translation: Translation, events: readonly object[]): unknown {
  for (const event of events) translation.add(event);
  return translation.result(usage);
}

/** What a client of the Anthropic API puts together of a stream. */
function foldedMessage(events: readonly JsonObject[]): object {
  let message: JsonObject = {};
  const content: Record<string, unknown>[] = [];
  for (const event of events) {
    const { type, index, message: started, content_block: block, delta: more, usage } = event;
    const place = Number(index);
    if (type === "message_start" && isObject(started)) message = started;
    if (type === "content_block_start" && isObject(block)) content[place] = { ...block };
    if (type === "content_block_delta" && isObject(more)) grow(content[place] ?? {}, more);
    if (type === "message_delta" && isObject(more)) message = { ...message, ...more, usage };
  }
  return { ...message, content: content.map(parsed) };
}

function grow(block: Record<string, unknown>, more: JsonObject): void {
  const isInput = more["type"] === "input_json_delta";
  const field = isInput ? "json" : more["type"] === "text_delta" ? "text" : "thinking";
  const known = block[field];
  const added = isInput ? more["partial_json"] : more[field];
  block[field] = (typeof known === "string" ? known : "") + String(added);
}

function parsed(block: Record<string, unknown>): object {
  const { json, ...fields } = block;
  if (fields["type"] !== "tool_use" || typeof json !== "string" || json.trim() === "")
    return fields;
  return { ...fields, input: inputOf(json) };
}

function inputOf(json: string): object {
  try {
    const input: unknown = JSON.parse(json);
    if (isObject(input)) return input;
  } catch {
    // As it came, below.
  }
  return { _unparsed: json };
}

test("a message put together from its stream is the message as a whole", () => {
  fc.assert(
    fc.property(chat, fc.boolean(), (events, showsThinking) => {
      const create = (streams: boolean): AnthropicMessage =>
        new AnthropicMessage({ requestId: "r", streams, showsThinking });
      expect(foldedMessage(streamed(create(true), events))).toEqual(whole(create(false), events));
    }),
    { seed: testSeed },
  );
});

test("a response's last event and its finished items are the response as a whole", () => {
  fc.assert(
    fc.property(chat, (events) => {
      const options = { requestId: "r", asked: {} };
      const told = streamed(new ResponseObject({ ...options, streams: true }), events);
      const response = whole(new ResponseObject({ ...options, streams: false }), events);
      expect(told.at(-1)?.["response"]).toEqual(response);
      const items = told.filter(({ type }) => type === "response.output_item.done");
      expect(response).toMatchObject({ output: items.map(({ item }) => item) });
      expect(told.map((event) => event["sequence_number"])).toEqual([...told.keys()]);
    }),
    { seed: testSeed },
  );
});
