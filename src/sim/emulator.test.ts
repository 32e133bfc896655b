import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { ManualClock } from "../../test/gateway/manual-clock.ts";
import { testSeed } from "../../test/seed.ts";
import type { Clock } from "../engine/clock.ts";
import { readKvTokens, readLoad } from "../engine/metrics-reader.ts";
import { startEmulator, type Emulator } from "./emulator.ts";
import type { EmulatorOptions } from "./emulator-options.ts";
import { recordedAnswer, splitText, type RecordedAnswer } from "./emulator-playback.ts";

const started: Emulator[] = [];

afterEach(async () => {
  for (const emulator of started.splice(0)) await emulator.destroy();
});

const OPTIONS: EmulatorOptions = {
  name: "one",
  model: "tiny",
  maxModelLen: 4096,
  maxSequences: 8,
  kvTokens: 100_000,
  chunkTokens: 512,
  baseMs: 8,
  perSequenceMs: 0.5,
  perKvTokenMs: 0,
  perPromptTokenMs: 0.0625,
  prefixCache: true,
  speedup: 10_000,
  queueRequestsMax: 100,
  order: "fcfs",
  seed: 1,
};

async function start(over: Partial<EmulatorOptions> = {}): Promise<Emulator> {
  const emulator = await startEmulator({ ...OPTIONS, ...over });
  started.push(emulator);
  return emulator;
}

/** An engine whose time is moved by hand: one virtual ms in each ms of the clock. */
async function startStill(
  over: Partial<EmulatorOptions> = {},
): Promise<{ emulator: Emulator; clock: ManualClock }> {
  const clock = new ManualClock();
  const emulator = await startEmulator({ ...OPTIONS, speedup: 1, ...over }, clock);
  started.push(emulator);
  return { emulator, clock };
}

const MESSAGES = [{ role: "user", content: "the plan is to say something" }];

interface Asked {
  readonly path?: string;
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

function ask(
  emulator: Emulator,
  body: object | string,
  { path = "/v1/chat/completions", headers = {}, ...rest }: Asked = {},
): Promise<Response> {
  return fetch(`${emulator.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof body === "string" ? body : JSON.stringify(body),
    ...rest,
  });
}

const chat = (more: object = {}): object => ({ model: "tiny", messages: MESSAGES, ...more });

/** JSON as it comes from the wire. */
type Json = ReturnType<typeof JSON.parse>;

function eventsOf(text: string): Json[] {
  return text
    .split("\n\n")
    .filter((event) => event !== "")
    .map((event) => event.replace(/^data: /, ""))
    .map((data) => (data === "[DONE]" ? data : JSON.parse(data)));
}

async function metric(emulator: Emulator, name: string): Promise<number> {
  const text = await (await fetch(`${emulator.url}/metrics`)).text();
  const line = text.split("\n").find((line) => line.startsWith(`vllm:${name}{`));
  return Number(line?.split(" ").at(-1));
}

/** Asks the engine until it says so. */
async function until(emulator: Emulator, name: string, value: number): Promise<void> {
  while ((await metric(emulator, name)) !== value);
}

const setFaults = (emulator: Emulator, setting: object): Promise<Response> =>
  ask(emulator, setting, { path: "/emulator/faults" });

/** Statuses of a dozen requests to an engine of which half fail. */
async function statuses(): Promise<number[]> {
  const emulator = await start({ faults: { kind: "error500", rate: 0.5 } });
  const list: number[] = [];
  for (let request = 0; request < 12; request++) {
    list.push((await ask(emulator, chat({ max_tokens: 1 }))).status);
  }
  return list;
}

const stageOf = (task: string, stage: string): Asked => ({
  headers: { "x-chimera-playback-task": task, "x-chimera-playback-stage": stage },
});

describe("chat completions", () => {
  it("streams a role event, one event a token, the last with the reason, usage, [DONE]", async () => {
    const emulator = await start();
    const body = chat({
      max_tokens: 5,
      ignore_eos: true,
      stream: true,
      stream_options: { include_usage: true },
    });
    const response = await ask(emulator, body, { headers: { "x-request-id": "abc-123" } });
    expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    const events = eventsOf(await response.text());
    expect(events).toHaveLength(1 + 5 + 1 + 1);
    expect(events[0].choices[0].delta).toEqual({ role: "assistant", content: "" });
    const tokens = events.slice(1, 6);
    expect(tokens.map((event) => event.choices[0].finish_reason)).toEqual([
      null,
      null,
      null,
      null,
      "length",
    ]);
    for (const event of tokens) expect(event.choices[0].delta.content).toMatch(/^ ?[A-Za-z]+\.?$/);
    expect(events[6]).toMatchObject({
      choices: [],
      usage: { prompt_tokens: 7, completion_tokens: 5, total_tokens: 12 },
    });
    expect(events[7]).toBe("[DONE]");
    for (const event of events.slice(0, 7)) {
      expect(event).toMatchObject({
        id: "chatcmpl-abc-123",
        object: "chat.completion.chunk",
        model: "tiny",
      });
    }
  });

  it("says the same whole as streamed, and again", async () => {
    const emulator = await start();
    const whole: Json = await (await ask(emulator, chat())).json();
    const streamed = eventsOf(await (await ask(emulator, chat({ stream: true }))).text());
    const text = streamed.map((event) => event.choices?.[0]?.delta.content ?? "").join("");
    expect(whole.choices[0].message.content).toBe(text);
    expect(whole.choices[0].finish_reason).toBe("stop");
    expect(whole.usage.completion_tokens).toBe(streamed.length - 2);
    expect(whole.usage.total_tokens).toBe(7 + streamed.length - 2);
    const other: Json = await (await ask(await start({ seed: 2 }), chat())).json();
    expect(other.choices[0].message.content).not.toBe(text);
  });

  it("ends at a stop text, without it", async () => {
    const emulator = await start();
    const whole: Json = await (await ask(emulator, chat({ max_tokens: 30 }))).json();
    const text: string = whole.choices[0].message.content;
    const words = text.split(" ");
    const stop = `${words[3]} ${words[4]}`;
    const cut: Json = await (await ask(emulator, chat({ max_tokens: 30, stop: [stop] }))).json();
    expect(cut.choices[0]).toMatchObject({
      message: { content: text.slice(0, text.indexOf(stop)) },
      finish_reason: "stop",
      stop_reason: stop,
    });
    expect(cut.usage.completion_tokens).toBe(5);
  });

  it("completes prompts, 16 tokens unless asked for more", async () => {
    const emulator = await start();
    const body = { model: "tiny", prompt: "x".repeat(40), ignore_eos: true };
    const path = "/v1/completions";
    const whole: Json = await (await ask(emulator, body, { path })).json();
    expect(whole).toMatchObject({
      object: "text_completion",
      usage: { prompt_tokens: 10, completion_tokens: 16 },
    });
    expect(whole.id).toMatch(/^cmpl-/);
    const streamed = eventsOf(
      await (await ask(emulator, { ...body, stream: true }, { path })).text(),
    );
    expect(streamed.map((event) => event.choices?.[0].text ?? "").join("")).toBe(
      whole.choices[0].text,
    );
    expect(streamed).toHaveLength(16 + 1);
    const ids: Json = await (await ask(emulator, { ...body, prompt: [5, 6, 7] }, { path })).json();
    expect(ids.usage.prompt_tokens).toBe(3);
  });
});

describe("errors in vLLM's shape", () => {
  const path = "/v1/chat/completions";
  it.each([
    [path, "{", 400, { type: "Bad Request", code: 400 }],
    [path, "", 400, { type: "Bad Request", param: "body" }],
    [path, "[]", 400, { type: "Bad Request", param: "body" }],
    [path, { max_tokens: 2 }, 400, { type: "Bad Request", param: "body.messages" }],
    [path, chat({ messages: "hello" }), 400, { type: "Bad Request", param: "body.messages" }],
    [path, chat({ messages: [] }), 400, { type: "BadRequestError", param: null }],
    [path, chat({ priority: "high" }), 400, { type: "Bad Request", param: "body.priority" }],
    [path, chat({ max_tokens: 0 }), 400, { type: "BadRequestError", param: "max_tokens" }],
    [path, chat({ max_tokens: 5000 }), 400, { type: "BadRequestError", param: "max_tokens" }],
    [path, chat({ max_tokens: 4090 }), 400, { type: "BadRequestError", param: "input_tokens" }],
    [path, chat({ n: 0 }), 400, { type: "BadRequestError", param: null }],
    [path, chat({ stream_options: {} }), 400, { param: "stream_options" }],
    [
      path,
      chat({ messages: [{ role: "user", content: "x".repeat(20_000) }] }),
      400,
      { type: "BadRequestError", param: "input_tokens" },
    ],
    [
      path,
      chat({ model: "gpt-nothing" }),
      404,
      {
        message: "The model `gpt-nothing` does not exist. Valid aliases: tiny.",
        type: "NotFoundError",
        param: "model",
        code: 404,
      },
    ],
    ["/v1/completions", { model: "tiny" }, 400, { param: "prompt" }],
  ])("%s %j", async (path, body, status, error) => {
    const response = await ask(await start(), body, { path });
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ error });
  });

  it("foreign paths and methods", async () => {
    const emulator = await start();
    const nothing = await fetch(`${emulator.url}/v1/nothing`);
    expect([nothing.status, await nothing.json()]).toEqual([404, { detail: "Not Found" }]);
    const get = await fetch(`${emulator.url}${path}`);
    expect([get.status, get.headers.get("allow")]).toEqual([405, "POST"]);
  });

  it("names every wrong option", async () => {
    const wrong = { ...OPTIONS, speedup: 0, kvTokens: 0.5, faults: { rate: 2 } };
    await expect(startEmulator(wrong)).rejects.toThrow(/kvTokens.*speedup.*rate/);
  });
});

describe("what an engine says of itself", () => {
  it("health, version and models", async () => {
    const emulator = await start();
    const health = await fetch(`${emulator.url}/health`);
    expect([health.status, await health.text()]).toEqual([200, ""]);
    expect(await (await fetch(`${emulator.url}/version`)).json()).toEqual({ version: "0.32.0" });
    expect(await (await fetch(`${emulator.url}/v1/models`)).json()).toMatchObject({
      object: "list",
      data: [{ id: "tiny", max_model_len: 4096, owned_by: "vllm" }],
    });
  });

  it("metrics, as the gateway reads them", async () => {
    const { emulator, clock } = await startStill({ maxSequences: 1, kvTokens: 100 });
    const answers = [ask(emulator, chat({ max_tokens: 4, ignore_eos: true }))];
    await until(emulator, "num_requests_running", 1);
    answers.push(ask(emulator, chat({ max_tokens: 4, ignore_eos: true })));
    await until(emulator, "num_requests_waiting", 1);
    const text = await (await fetch(`${emulator.url}/metrics`)).text();
    expect(readLoad("vllm", text)).toEqual({ running: 1, waiting: 1, kvUse: 0.07 });
    expect(readKvTokens(text)).toBe(100);
    clock.advance(1_000);
    for (const answer of answers) expect((await answer).status).toBe(200);
    expect(await metric(emulator, "prompt_tokens_total")).toBe(14);
    expect(await metric(emulator, "generation_tokens_total")).toBe(8);
    expect(await metric(emulator, "num_preemptions_total")).toBe(0);
    const after = await (await fetch(`${emulator.url}/metrics`)).text();
    expect(after).toContain('finished_reason="length"} 2\n');
  });

  it("times that a late event loop does not change", async () => {
    let nowMs = 0;
    const timers = new Set<() => void>();
    const late: Clock = {
      nowMs: () => nowMs,
      setTimer: (run) => {
        timers.add(run);
        return { cancel: () => void timers.delete(run) };
      },
    };
    const emulator = await startEmulator({ ...OPTIONS, speedup: 2, maxSequences: 1 }, late);
    started.push(emulator);
    const body = chat({ max_tokens: 4, ignore_eos: true });
    const answers = [ask(emulator, body)];
    await until(emulator, "num_requests_running", 1);
    answers.push(ask(emulator, body));
    await until(emulator, "num_requests_waiting", 1);
    expect(timers.size).toBe(1);
    nowMs = 5_000;
    for (const run of timers) run();
    for (const answer of answers) await (await answer).text();
    // A prompt of 7 tokens and three times one token: 8.4375 + 3 * 8.5 virtual ms each, one after the other.
    const seconds = (33.937_5 + 67.875) / 2 / 1000;
    expect(await metric(emulator, "e2e_request_latency_seconds_sum")).toBeCloseTo(seconds, 12);
    const queueSeconds = 33.937_5 / 2 / 1000;
    expect(await metric(emulator, "request_queue_time_seconds_sum")).toBeCloseTo(queueSeconds, 12);
  });

  it("hits of the prefix cache by workflow", async () => {
    const emulator = await start();
    const headers = { "x-chimera-workflow-id": "w" };
    const body = chat({ max_tokens: 3, ignore_eos: true });
    for (let stage = 0; stage < 2; stage++) await (await ask(emulator, body, { headers })).text();
    expect(await metric(emulator, "prefix_cache_queries_total")).toBe(14);
    expect(await metric(emulator, "prefix_cache_hits_total")).toBe(6);
    expect(await metric(emulator, "prompt_tokens_total")).toBe(14);
  });
});

describe("a client that leaves frees its place", () => {
  it.each([true, false])("waiting and decoding, streamed: %s", async (stream) => {
    const { emulator, clock } = await startStill({ maxSequences: 1 });
    const body = chat({ max_tokens: 100, ignore_eos: true, stream });
    const first = new AbortController();
    const second = new AbortController();
    const answers = [ask(emulator, body, { signal: first.signal })];
    await until(emulator, "num_requests_running", 1);
    answers.push(ask(emulator, body, { signal: second.signal }));
    await until(emulator, "num_requests_waiting", 1);
    const settled = Promise.allSettled(answers);
    second.abort();
    await until(emulator, "num_requests_waiting", 0);
    clock.advance(100);
    const made = await metric(emulator, "generation_tokens_total");
    expect(made).toBeGreaterThan(5);
    first.abort();
    while ((await metric(emulator, "num_requests_running")) > 0) clock.advance(8.5);
    await settled;
    clock.advance(10_000);
    expect(await metric(emulator, "generation_tokens_total")).toBeLessThan(100);
    const text = await (await fetch(`${emulator.url}/metrics`)).text();
    expect(text).toContain('finished_reason="abort"} 2\n');
  });

  it("in its prompt", async () => {
    const { emulator, clock } = await startStill({ chunkTokens: 16 });
    const controller = new AbortController();
    const long = [{ role: "user", content: "x".repeat(4_000) }];
    const answer = ask(emulator, chat({ messages: long }), { signal: controller.signal });
    const settled = Promise.allSettled([answer]);
    await until(emulator, "num_requests_running", 1);
    clock.advance(20);
    controller.abort();
    while ((await metric(emulator, "num_requests_running")) > 0) clock.advance(1);
    await settled;
    clock.advance(10_000);
    expect(await metric(emulator, "generation_tokens_total")).toBe(0);
  });
});

describe("the queue", () => {
  it("refuses with 503 above its limit, and takes requests again", async () => {
    const { emulator, clock } = await startStill({ maxSequences: 1, queueRequestsMax: 1 });
    const answers = [ask(emulator, chat())];
    await until(emulator, "num_requests_running", 1);
    answers.push(ask(emulator, chat()));
    await until(emulator, "num_requests_waiting", 1);
    const refused = await ask(emulator, chat({ stream: true }));
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({
      error: { type: "Service Unavailable", param: null, code: 503 },
    });
    expect(await metric(emulator, "admission_rejections_total")).toBe(1);
    clock.advance(100_000);
    for (const answer of answers) expect((await answer).status).toBe(200);
    const again = ask(emulator, chat());
    await until(emulator, "num_requests_running", 1);
    clock.advance(100_000);
    expect((await again).status).toBe(200);
  });

  it.each([
    ["priority", [-5, 0, 5, 9]],
    ["fcfs", [9, 5, 0, -5]],
  ] as const)("with order %s finishes %j", async (order, expected) => {
    const { emulator, clock } = await startStill({ maxSequences: 1, order });
    const first = ask(emulator, chat());
    await until(emulator, "num_requests_running", 1);
    const ended: number[] = [];
    const waiting = new Map<number, Promise<void>>();
    for (const priority of [9, 5, 0, -5]) {
      const answer = ask(emulator, chat({ max_tokens: 2, priority }));
      const note = (): void => void (ended.push(priority) && waiting.delete(priority));
      waiting.set(priority, answer.then(note));
      await until(emulator, "num_requests_waiting", waiting.size);
    }
    const count = "e2e_request_latency_seconds_count";
    for (let answers = 1; answers <= 4; answers++) {
      while ((await metric(emulator, count)) < 1 + answers) clock.advance(8.5);
      if (ended.length < answers) await Promise.race(waiting.values());
    }
    await first;
    expect(ended).toEqual(expected);
  });
});

describe("faults", () => {
  it("500 and 503 at once, switched at run time", async () => {
    const emulator = await start({ faults: { kind: "error500", rate: 1 } });
    const failed = await ask(emulator, chat());
    expect(failed.status).toBe(500);
    expect(await failed.json()).toMatchObject({ error: { type: "InternalServerError" } });
    const set = await setFaults(emulator, { kind: "full503", rate: 1 });
    expect(await set.json()).toMatchObject({ kind: "full503", rate: 1 });
    expect((await ask(emulator, chat())).status).toBe(503);
    await setFaults(emulator, {});
    expect((await ask(emulator, chat())).status).toBe(200);
    expect(await (await fetch(`${emulator.url}/emulator/faults`)).json()).toMatchObject({
      rate: 0,
    });
    for (const wrong of [{ kind: "nothing" }, { rate: 2 }, { afterTokens: "x" }, { delayMs: -1 }]) {
      expect((await setFaults(emulator, wrong)).status).toBe(400);
    }
    expect((await ask(emulator, "{", { path: "/emulator/faults" })).status).toBe(400);
  });

  it("a truncated stream ends well but without a finish reason", async () => {
    const emulator = await start({ faults: { kind: "truncate", rate: 1, afterTokens: 3 } });
    const body = chat({ max_tokens: 10, ignore_eos: true, stream: true });
    const events = eventsOf(await (await ask(emulator, body)).text());
    expect(events).toHaveLength(1 + 3);
    expect(events.every((event) => event.choices[0].finish_reason === null)).toBe(true);
    const whole = await ask(emulator, chat());
    await expect(whole.json()).rejects.toThrow();
    await until(emulator, "num_requests_running", 0);
    const text = await (await fetch(`${emulator.url}/metrics`)).text();
    expect(text).toContain('finished_reason="error"} 2\n');
  });

  it("a reset breaks the connection, even of an answer of one token", async () => {
    const emulator = await start({ faults: { kind: "reset", rate: 1, afterTokens: 3 } });
    const streamed = await ask(emulator, chat({ max_tokens: 1, stream: true }));
    await expect(streamed.text()).rejects.toThrow();
    await expect(ask(emulator, chat())).rejects.toThrow();
  });

  it("a stalled stream stays open and silent until its client leaves", async () => {
    const { emulator, clock } = await startStill({ faults: { kind: "stall", rate: 1 } });
    const controller = new AbortController();
    const body = chat({ max_tokens: 10, ignore_eos: true, stream: true });
    const { signal } = controller;
    const response = await ask(emulator, body, { signal });
    const reader = response.body?.getReader();
    clock.advance(10_000);
    expect(await metric(emulator, "num_requests_running")).toBe(0);
    const { value } = (await reader?.read()) ?? {};
    expect(eventsOf(new TextDecoder().decode(value))).toHaveLength(2);
    const next = reader?.read();
    controller.abort();
    await expect(next).rejects.toThrow();
  });

  it("slow headers come after their delay; a client may leave before", async () => {
    const { emulator, clock } = await startStill({
      faults: { kind: "slowHeaders", rate: 1, delayMs: 500 },
    });
    const controller = new AbortController();
    const left = Promise.allSettled([ask(emulator, chat(), { signal: controller.signal })]);
    const answer = ask(emulator, chat({ max_tokens: 1, stream: true }));
    while (clock.timers === 0) await metric(emulator, "num_requests_running");
    clock.advance(400);
    expect(await metric(emulator, "num_requests_running")).toBe(0);
    controller.abort();
    await left;
    while ((await metric(emulator, "generation_tokens_total")) < 1) clock.advance(100);
    expect((await answer).status).toBe(200);
  });

  it("hit the same requests for the same seed", async () => {
    const once = await statuses();
    expect(new Set(once)).toEqual(new Set([200, 500]));
    expect(await statuses()).toEqual(once);
  });
});

describe("playback", () => {
  const stages: RecordedAnswer[] = [
    { text: 'Größe 😀😀 ja\n"so"', outputTokens: 6, promptTokens: 321 },
    { text: "ab", outputTokens: 5, promptTokens: 9_000 },
  ];
  const playback = (taskId: string, stage: number): RecordedAnswer | null =>
    taskId === "t" ? (stages[stage] ?? null) : null;

  it.each([
    ["0", stages[0]],
    ["1", stages[1]],
    ["70", stages[1]],
  ])("stage %s", async (stage, answer) => {
    const emulator = await start({ playback });
    const body = chat({ max_tokens: 1, stream: true, stream_options: { include_usage: true } });
    const events = eventsOf(await (await ask(emulator, body, stageOf("t", stage))).text());
    const tokens = events.slice(1, -2);
    expect(tokens).toHaveLength(answer?.outputTokens ?? 0);
    expect(tokens.map((event) => event.choices[0].delta.content).join("")).toBe(answer?.text);
    const usage = { prompt_tokens: answer?.promptTokens, completion_tokens: answer?.outputTokens };
    expect(events.at(-2)).toMatchObject({ usage });
    expect(tokens.at(-1)?.choices[0].finish_reason).toBe("stop");
    const whole: Json = await (await ask(emulator, chat(), stageOf("t", stage))).json();
    expect(whole).toMatchObject({ usage, choices: [{ message: { content: answer?.text } }] });
  });

  it("knows no other task", async () => {
    const emulator = await start({ playback });
    const unknown = await ask(emulator, chat(), stageOf("u", "0"));
    expect(unknown.status).toBe(404);
    expect(await unknown.json()).toMatchObject({ error: { type: "NotFoundError", code: 404 } });
    expect((await ask(emulator, chat())).status).toBe(404);
    expect((await ask(emulator, chat(), stageOf("t", "-1"))).status).toBe(400);
  });

  it("cuts any text into any number of pieces", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "binary", maxLength: 60 }),
        fc.integer({ min: 1, max: 80 }),
        (text, count) => {
          const pieces = splitText(text, count);
          const characters = Array.from(text).length;
          expect(pieces).toHaveLength(count);
          expect(pieces.join("")).toBe(text);
          if (characters >= count) expect(pieces).not.toContain("");
          const sum = pieces.reduce((sum, piece) => sum + Array.from(piece).length, 0);
          expect(sum).toBe(characters);
        },
      ),
      { seed: testSeed },
    );
  });

  it("finds the last stage of a record of any length", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.nat(200), (length, stage) => {
        const lookup = (_: string, at: number): RecordedAnswer | null =>
          at < length ? { text: String(at), outputTokens: 1, promptTokens: 1 } : null;
        const answer = recordedAnswer(lookup, "t", stage);
        expect(answer?.text).toBe(String(Math.min(stage, length - 1)));
      }),
      { seed: testSeed },
    );
  });
});

describe("an engine ends", () => {
  it("close lets running answers end and refuses new ones; both ways may be called twice", async () => {
    const { emulator, clock } = await startStill();
    const response = await ask(emulator, chat({ max_tokens: 4, ignore_eos: true, stream: true }));
    const closed = emulator.close();
    void emulator.close();
    clock.advance(1_000);
    expect(eventsOf(await response.text()).at(-1)).toBe("[DONE]");
    await closed;
    await expect(ask(emulator, chat())).rejects.toThrow();
    await emulator.destroy();
  });

  it("destroy cuts what runs", async () => {
    const { emulator } = await startStill();
    const response = await ask(emulator, chat({ stream: true }));
    const broken = expect(response.text()).rejects.toThrow();
    await emulator.destroy();
    await emulator.destroy();
    await broken;
  });
});
