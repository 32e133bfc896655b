import { createParser } from "eventsource-parser";
import { array, assert, nat, property } from "fast-check";
import { describe, expect, it } from "vitest";
import { engineTraits } from "../../src/engine/endpoint.ts";
import { StreamReader, type StreamReaderOptions } from "../../src/engine/stream-reader.ts";
import { testSeed } from "../seed.ts";
import { type Recording, SKIP_REASON, streamRecordings } from "./recording.ts";

const streams = streamRecordings();

if (SKIP_REASON !== null) process.stdout.write(`skipped: ${SKIP_REASON}\n`);

describe.skipIf(SKIP_REASON !== null)("recorded streams", () => {
  it("are there for every engine", () => {
    expect(new Set(streams.map(({ kind }) => kind)).size).toBe(4);
    expect(streams.length).toBeGreaterThan(50);
  });

  it.each(streams.map((stream) => [stream.name, stream] as const))(
    "%s: the facts are those of a plain parser",
    (_, stream) => {
      const { reader, out } = fed(stream, [stream.body], false);
      const { end, ...facts } = factsOf(reader);
      expect(facts).toEqual(plainFacts(stream));
      if (end.good) expect(out.equals(stream.body)).toBe(true);
      else expect(stream.body.subarray(0, out.length).equals(out)).toBe(true);
    },
  );

  it.each(streams.map((stream) => [stream.name, stream] as const))(
    "%s: byte by byte and in any split the same facts and bytes",
    (_, stream) => {
      const whole = fed(stream, [stream.body], false);
      const facts = factsOf(whole.reader);
      const cuts = array(nat(stream.body.length), { maxLength: 20 });
      const single = Array.from(stream.body, (byte) => Buffer.from([byte]));
      const check = (chunks: readonly Buffer[]): void => {
        const { reader, out } = fed(stream, chunks, false);
        expect(out.equals(whole.out)).toBe(true);
        expect(factsOf(reader)).toEqual(facts);
      };
      check(single);
      assert(
        property(cuts, (at) => check(splitAt(stream.body, at))),
        { numRuns: 20, seed: testSeed },
      );
    },
  );

  it.each(streams.map((stream) => [stream.name, stream] as const))(
    "%s: hidden usage takes away the usage event and nothing else",
    (_, stream) => {
      const whole = fed(stream, [stream.body], true);
      const expected = dataOf(stream.body).filter((data) => !isUsageOnly(data));
      expect(dataOf(whole.out)).toEqual(expected);
      const bytes = Array.from(stream.body, (byte) => Buffer.from([byte]));
      expect(fed(stream, bytes, true).out.equals(whole.out)).toBe(true);
      expect(factsOf(whole.reader)).toEqual(factsOf(fed(stream, [stream.body], false).reader));
    },
  );

  it.each([
    ["vllm/v0.32.0/chat-stream-usage", "good"],
    ["vllm/v0.32.0/sigkill-mid-stream", "no-finish-reason"],
    ["vllm/v0.32.0/sigterm-mid-stream", "no-finish-reason"],
    // The capture stops there, the stream did not.
    ["vllm/v0.32.0/drain-sigterm-mid-stream", "truncated-event"],
    ["transformers-serve/v5.19.0/chat-stream", "good"],
    ["transformers-serve/v5.19.0/chat-n2-stream", "good"],
    ["ollama/v0.17.4/chat-n2-stream", "good"],
    ["llama-server/v0.5.0/chat-n2-stream", "good"],
    ["llama-server/v0.5.0/sigterm-mid-stream", "no-finish-reason"],
    ["llama-server/v0.5.0/unified-overflow-2", "error-event"],
  ])("%s ends %s", (name, expected) => {
    const stream = streams.find((one) => one.name === name);
    expect(stream).toBeDefined();
    if (stream === undefined) return;
    const end = fed(stream, [stream.body], false).reader.finish();
    expect(end.good ? "good" : end.reason).toBe(expected);
  });
});

function optionsOf(stream: Recording, hideUsage: boolean): StreamReaderOptions {
  return { kind: stream.kind, hideUsage, choices: choicesOf(stream) };
}

function choicesOf(stream: Recording): number {
  return Number(/"n":(\d+)/.exec(stream.request.toString("utf8"))?.[1] ?? 1);
}

function fed(
  stream: Recording,
  chunks: readonly Buffer[],
  hideUsage: boolean,
): { reader: StreamReader; out: Buffer } {
  const reader = new StreamReader(optionsOf(stream, hideUsage));
  const out = chunks.flatMap((chunk) => reader.push(chunk) ?? []);
  return { reader, out: Buffer.concat(out) };
}

function splitAt(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const places = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
  return places.slice(1).map((to, i) => bytes.subarray(places[i] ?? 0, to));
}

interface Facts {
  readonly tokens: number;
  readonly firstTokenSeen: boolean;
  readonly finishReasons: readonly (string | undefined)[];
  readonly usage: unknown;
  readonly done: boolean;
  readonly errorMessage: string | null;
  readonly model: string | null;
  readonly id: string | null;
}

function factsOf(reader: StreamReader): Facts & { end: ReturnType<StreamReader["finish"]> } {
  const end = reader.finish();
  const { tokens, firstTokenSeen, finishReasons, usage, done, errorMessage, model, id } = reader;
  return { end, tokens, firstTokenSeen, finishReasons, usage, done, errorMessage, model, id };
}

function dataOf(bytes: Buffer): string[] {
  const found: string[] = [];
  const parser = createParser({ onEvent: ({ data }) => found.push(data) });
  parser.feed(bytes.toString("utf8"));
  return found;
}

function isUsageOnly(data: string): boolean {
  if (data === "[DONE]") return false;
  const event = JSON.parse(data);
  return Array.isArray(event.choices) && event.choices.length === 0 && Boolean(event.usage);
}

/** The slow and obvious way: a whole parser, every event, then sums. */
function plainFacts(stream: Recording): Facts {
  const data = dataOf(stream.body);
  const events = data.filter((one) => one !== "[DONE]").map((one) => JSON.parse(one));
  const choices = events.flatMap((event) => event.choices ?? []);
  const withTokens = choices.filter(({ delta, text }) =>
    [text, delta?.content, delta?.reasoning, delta?.reasoning_content, delta?.tool_calls].some(
      (value) => (value ?? "").length > 0,
    ),
  );
  const finishReasons: (string | undefined)[] = [];
  for (const { index, finish_reason: reason } of choices) {
    if (typeof reason === "string") finishReasons[index] = reason;
  }
  const finished = finishReasons.filter((reason) => reason !== undefined).length;
  const expected = engineTraits(stream.kind).honoursChoices ? choicesOf(stream) : 1;
  const usage = plainUsage(events);
  const completion = usage?.completionTokens ?? 0;
  const known = finished >= expected && usage !== null;
  return {
    tokens: known ? completion : Math.max(withTokens.length, completion),
    firstTokenSeen: withTokens.length > 0,
    finishReasons,
    usage,
    done: data.includes("[DONE]"),
    errorMessage: events.find((event) => event.error)?.error.message ?? null,
    model: events.find((event) => event.model)?.model ?? null,
    id: events.find((event) => event.id)?.id ?? null,
  };
}

interface RawEvent {
  readonly choices?: readonly unknown[];
  readonly timings?: { readonly cache_n?: number };
  readonly usage?: {
    readonly prompt_tokens: number;
    readonly completion_tokens: number;
    readonly prompt_tokens_details?: { readonly cached_tokens: number } | null;
  } | null;
}

function plainUsage(
  events: readonly RawEvent[],
): { promptTokens: number; completionTokens: number; cachedTokens: number | null } | null {
  const withUsage = events.filter((event) => event.usage);
  const alone = withUsage.filter((event) => event.choices?.length === 0);
  const last = (alone.length > 0 ? alone : withUsage).at(-1);
  if (last?.usage === undefined || last.usage === null) return null;
  const counted = alone.length > 0 ? alone : [last];
  return {
    promptTokens: last.usage.prompt_tokens,
    completionTokens: counted.reduce((sum, { usage }) => sum + (usage?.completion_tokens ?? 0), 0),
    cachedTokens: last.usage.prompt_tokens_details?.cached_tokens ?? last.timings?.cache_n ?? null,
  };
}
