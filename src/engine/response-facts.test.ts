import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { recordings, SKIP_REASON } from "../../test/engine/recording.ts";
import { testSeed } from "../../test/seed.ts";
import { StreamReader } from "./stream-reader.ts";

function event(type: string, fields: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...fields })}\n\n`;
}

const usage = { input_tokens: 9, input_tokens_details: { cached_tokens: 4 }, output_tokens: 2 };
const CREATED = event("response.created", { response: { id: "resp_1", model: "up", usage: null } });
const DELTA = event("response.output_text.delta", { delta: "ž" });
const COMPLETED = event("response.completed", { response: { id: "resp_1", model: "up", usage } });

function reader(onEvent?: (value: unknown) => void): StreamReader {
  const options = { kind: "vllm", hideUsage: true, choices: 1, format: "response" } as const;
  return new StreamReader(onEvent === undefined ? options : { ...options, onEvent });
}

function read(text: string): StreamReader {
  const made = reader();
  made.push(Buffer.from(text));
  return made;
}

describe("a stream of the Responses API", () => {
  test("is good when its last event has come, and tells its usage", () => {
    const made = read(CREATED + DELTA + DELTA + COMPLETED);
    expect(made.tokens).toBe(2);
    expect(made.firstTokenSeen).toBe(true);
    expect(made.finish()).toEqual({ good: true, rest: null });
    expect(made.usage).toEqual({ promptTokens: 9, completionTokens: 2, cachedTokens: 4 });
    expect([made.model, made.id]).toEqual(["up", "resp_1"]);
  });

  test("that was cut at the token limit is good too", () => {
    const incomplete = event("response.incomplete", { response: { usage } });
    expect(read(CREATED + incomplete).finish()).toMatchObject({ good: true });
  });

  test("is read by the types of its data where events have no names", () => {
    const nameless = (CREATED + DELTA + COMPLETED).replaceAll(/^event: .*\n/gm, "");
    const made = read(nameless);
    expect(made.tokens).toBe(2);
    expect(made.finish()).toMatchObject({ good: true });
  });

  test("that ends before its last event is not good", () => {
    expect(read(CREATED + DELTA).finish()).toMatchObject({
      good: false,
      reason: "no-finish-reason",
    });
    expect(read(CREATED + COMPLETED.slice(0, 60)).finish()).toMatchObject({
      good: false,
      reason: "truncated-event",
    });
  });

  test.each([
    event("response.failed", { response: { error: { code: "x", message: "out of memory" } } }),
    event("error", { message: "out of memory", code: null }),
    `data: {"error":{"message":"out of memory"}}\n\n`,
    "event: error\ndata: out of memory\n\n",
  ])("that says %j is an error", (text) => {
    const made = read(CREATED + text);
    expect(made.errorMessage).toBe("out of memory");
    expect(made.finish()).toMatchObject({ good: false, reason: "error-event" });
  });

  test("says the same however its bytes are cut", () => {
    const bytes = Buffer.from(CREATED + DELTA + COMPLETED.replaceAll("\n", "\r\n"));
    const cuts = fc.array(fc.nat({ max: bytes.length }), { maxLength: 8 });
    fc.assert(
      fc.property(cuts, (places) => {
        const events: unknown[] = [];
        const made = reader((value) => events.push(value));
        const out: Buffer[] = [];
        let from = 0;
        for (const to of [...places.toSorted((a, b) => a - b), bytes.length]) {
          out.push(made.push(bytes.subarray(from, to)) ?? Buffer.alloc(0));
          from = to;
        }
        expect(Buffer.concat(out)).toEqual(bytes);
        expect(events[1]).toMatchObject({ delta: "ž" });
        expect(made.finish()).toMatchObject({ good: true });
      }),
      { seed: testSeed },
    );
  });
});

const recorded = recordings().filter(
  ({ path, status, contentType }) =>
    path === "/v1/responses" && status === 200 && contentType.startsWith("text/event-stream"),
);

if (SKIP_REASON !== null) process.stdout.write(`skipped: ${SKIP_REASON}\n`);

describe.skipIf(SKIP_REASON !== null)("a recorded stream", () => {
  test.each(recorded.map((stream) => [stream.name, stream] as const))(
    "%s is good, has usage and passes as it is",
    (_name, stream) => {
      const made = reader();
      expect(made.push(stream.body)).toEqual(stream.body);
      expect(made.finish()).toMatchObject({ good: true });
      expect(made.usage?.completionTokens).toBeGreaterThan(0);
      expect(made.firstTokenSeen).toBe(true);
    },
  );
});
