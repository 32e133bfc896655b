import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { json } from "node:stream/consumers";
import { afterEach, describe, expect, test } from "vitest";
import type { Clock } from "../engine/clock.ts";
import { replay, type ReplayOptions, type ReplayProgress } from "./replay.ts";
import type { PlayableStage, PlayableWorkflow } from "./workload.ts";

interface Seen {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: unknown;
}

type Answer = (seen: Seen, response: ServerResponse) => void;

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

/** A server that answers its n-th chat request with the n-th answer, later ones with the last. */
async function serve(...answers: readonly Answer[]): Promise<{ baseUrl: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  let asked = 0;
  const server = createServer((request, response) => {
    void json(request).then((body) => {
      const one = { path: request.url ?? "", headers: request.headers, body };
      seen.push(one);
      if (one.path === "/v1/feedback") response.end("{}");
      else answers[Math.min(asked++, answers.length - 1)]?.(one, response);
      return undefined;
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return { baseUrl: `http://127.0.0.1:${port}/v1/`, seen };
}

const event = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`;
const delta = event({ model: "m", choices: [{ delta: { content: "x" }, finish_reason: null }] });
const stop = event({ model: "m", choices: [{ delta: {}, finish_reason: "stop" }] });
const usage = (tokens: number): string =>
  event({ choices: [], usage: { completion_tokens: tokens } });
const done = "data: [DONE]\n\n";

const answered =
  (model: string, tokens: number): Answer =>
  (_seen, response) => {
    response.writeHead(200, {
      "content-type": "text/event-stream",
      "x-chimera-model": model,
      "x-chimera-queue-wait-ms": "2",
    });
    response.end(delta + stop + usage(tokens) + done);
  };
const streamed =
  (...events: readonly string[]): Answer =>
  (_seen, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end(events.join(""));
  };
const refused =
  (status: number, headers: Record<string, string> = {}, body = "{}"): Answer =>
  (_seen, response) => {
    response.writeHead(status, headers);
    response.end(body);
  };

function stageOf(role: string | null, out: string, env: string): PlayableStage {
  const lengths = { promptTokens: 3, outputTokens: 5, toolMs: 40, predictedRemaining: null };
  return { role, out, env, ...lengths };
}

const workflow: PlayableWorkflow = {
  id: "w0",
  taskId: "task/é",
  kind: "react/math",
  arrivalMs: 0,
  confidence: null,
  system: "Be brief.",
  user: "2 + 2?",
  courses: {
    small: {
      score: 0.5,
      stages: [stageOf("solve", "5", "wrong"), stageOf("check", "4", "")],
    },
    large: { score: 1, stages: [stageOf("solve", "4", "")] },
  },
};

/** All waits come to nothing; what is counted stays the same. */
const FAST = 1e9;

function play(baseUrl: string, more: Partial<ReplayOptions> = {}): ReturnType<typeof replay> {
  return replay({ baseUrl, workflows: [workflow], speedup: FAST, deadlineMs: 20_000, ...more });
}

const feedbackOf = (seen: readonly Seen[]): unknown[] =>
  seen.filter((each) => each.path === "/v1/feedback").map((each) => each.body);

describe("a workflow that is served", () => {
  test("follows the course of the first stage's model and reports its score", async () => {
    const { baseUrl, seen } = await serve(answered("small", 7), answered("large", 4));
    const progress: ReplayProgress[] = [];
    const { outcomes, counters } = await play(baseUrl, {
      apiKey: "key",
      onProgress: (each) => progress.push(each),
    });
    expect(outcomes).toEqual([
      {
        id: "w0",
        taskId: "task/é",
        models: ["small", "large"],
        arrivalMs: 0,
        endMs: expect.any(Number),
        outputTokens: 11,
        score: 0.5,
        queueWaitMs: 4 * FAST,
        outcome: "completed",
        reason: null,
        stages: 2,
        requests: 2,
      },
    ]);
    expect(counters).toEqual({
      requests: 2,
      byStatus: { 200: 2 },
      feedbackByStatus: { 200: 1 },
    });
    expect(feedbackOf(seen)).toEqual([{ workflow_id: "w0", score: 0.5 }]);
    expect(progress).toEqual([
      { started: 1, ended: 0, open: 1 },
      { started: 1, ended: 1, open: 0 },
    ]);
    expect(seen[1]?.path).toBe("/v1/chat/completions");
    expect(seen[1]?.headers).toMatchObject({
      authorization: "Bearer key",
      "x-chimera-workflow-id": "w0",
      "x-chimera-workflow-kind": "react/math",
      "x-chimera-role": "check",
      "x-chimera-stage": "1",
      "x-chimera-playback-task": "task/%C3%A9",
      "x-chimera-playback-stage": "1",
    });
    expect(seen[1]?.body).toEqual({
      model: "chimera",
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "2 + 2?" },
        { role: "assistant", content: "5" },
        { role: "user", content: "wrong" },
      ],
      stream: true,
      stream_options: { include_usage: true },
    });
  });

  test("reads the decision from the last comment when the headers had gone before it", async () => {
    const decision = { "x-chimera-model": "large", "x-chimera-queue-wait-ms": "30" };
    const comment = `: chimera ${JSON.stringify(decision)}\n\n`;
    const { baseUrl } = await serve(streamed(": ping\n\n", delta, stop, usage(9), comment, done));
    const { outcomes } = await play(baseUrl);
    expect(outcomes).toMatchObject([
      { models: ["large"], queueWaitMs: 30 * FAST, outputTokens: 9, score: 1 },
    ]);
  });

  test("takes the model of the events, and counts events, where nothing better is told", async () => {
    const large = event({ model: "large", choices: [{ delta: {}, finish_reason: "stop" }] });
    const { baseUrl } = await serve(streamed(event({ model: "large", choices: [{}] }), large));
    const { outcomes } = await play(baseUrl);
    expect(outcomes).toMatchObject([{ models: ["large"], outputTokens: 2, score: 1 }]);
  });
});

describe("a stage that fails", () => {
  const failures: [string, Answer, string][] = [
    ["a refusal", refused(503, {}, '{"error":{"code":"no_engine"}}'), "http-503 no_engine"],
    [
      "an error in the stream",
      streamed(delta, event({ error: { code: "engine_failed" } }), stop),
      "error-event engine_failed",
    ],
    ["a stream without a finish reason", streamed(delta, done), "broken-stream"],
    [
      "a broken connection",
      (_seen, response) => {
        response.writeHead(200, { "content-type": "text/event-stream" });
        response.write(delta, () => response.destroy());
      },
      "broken-stream",
    ],
    ["no answer at all", (_seen, response) => void response.destroy(), "no-connection"],
  ];

  test.each(failures)("%s: is tried again", async (_name, failing) => {
    const { baseUrl, seen } = await serve(failing, failing, answered("large", 4));
    const { outcomes } = await play(baseUrl);
    expect(outcomes).toMatchObject([
      { outcome: "completed", requests: 3, stages: 1, outputTokens: 4, score: 1 },
    ]);
    expect(feedbackOf(seen)).toEqual([{ workflow_id: "w0", score: 1 }]);
  });

  test.each(failures)(
    "%s: ends the workflow after the last try",
    async (_name, failing, reason) => {
      const { baseUrl, seen } = await serve(answered("small", 7), failing);
      const { outcomes, counters } = await play(baseUrl);
      expect(outcomes).toMatchObject([
        { outcome: "failed", reason, requests: 4, stages: 1, models: ["small"], score: 0 },
      ]);
      expect(counters.requests).toBe(4);
      expect(feedbackOf(seen)).toEqual([{ workflow_id: "w0", score: 0 }]);
    },
  );

  test.each<[string, Answer]>([
    ["x-should-retry: false", refused(502, { "x-should-retry": "false" })],
    ["a mistake of the client", refused(400)],
  ])("%s: is not tried again", async (_name, failing) => {
    const { baseUrl } = await serve(failing);
    const { outcomes } = await play(baseUrl);
    expect(outcomes).toMatchObject([{ outcome: "failed", requests: 1 }]);
  });

  test("waits as long as the server says, else half a second, then twice that", async () => {
    const waits: number[] = [];
    const { baseUrl } = await serve(
      refused(429, { "retry-after": "7" }),
      refused(503),
      refused(503, { "retry-after": "3600" }),
      answered("large", 1),
    );
    const clock: Clock = {
      nowMs: () => 0,
      setTimer: (run, delayMs) => {
        // The deadline and the limit of the feedback never come; what is waited for comes at once.
        if (delayMs !== 20_000 && delayMs !== 5_000) {
          waits.push(delayMs);
          queueMicrotask(run);
        }
        return { cancel: () => {} };
      },
    };
    const { outcomes } = await play(baseUrl, { clock, speedup: 10, attemptsMax: 4 });
    expect(outcomes).toMatchObject([{ outcome: "completed", requests: 4 }]);
    expect(waits).toEqual([7_000, 100, 200]);
  });

  test("a model without a course ends the workflow", async () => {
    const { baseUrl, seen } = await serve(answered("other", 1));
    const { outcomes } = await play(baseUrl);
    expect(outcomes).toMatchObject([{ outcome: "failed", reason: "unknown-model", score: 0 }]);
    expect(feedbackOf(seen)).toHaveLength(1);
  });
});

test("the deadline ends what is open, and what has not started", async () => {
  const timers: { run: () => void; delayMs: number }[] = [];
  const clock: Clock = {
    nowMs: () => 0,
    setTimer: (run, delayMs) => {
      timers.push({ run, delayMs });
      return { cancel: () => {} };
    },
  };
  const silent: Answer = (_seen, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(delta);
    timers.find((timer) => timer.delayMs === 1234)?.run();
  };
  const { baseUrl, seen } = await serve(silent);
  const late = { ...workflow, id: "w1", arrivalMs: 5_000 };
  const progress: ReplayProgress[] = [];
  const { outcomes } = await play(baseUrl, {
    workflows: [workflow, late],
    clock,
    speedup: 1,
    deadlineMs: 1234,
    onProgress: (each) => progress.push(each),
  });
  expect(outcomes).toMatchObject([
    { id: "w0", outcome: "failed", reason: "deadline", requests: 1, score: 0 },
    {
      id: "w1",
      outcome: "failed",
      reason: "deadline",
      requests: 0,
      arrivalMs: 5_000,
      endMs: 5_000,
    },
  ]);
  expect(feedbackOf(seen)).toEqual([{ workflow_id: "w0", score: 0 }]);
  expect(progress.at(-1)).toEqual({ started: 1, ended: 2, open: 0 });
});

test("many workflows end once each, in their order", async () => {
  const { baseUrl, seen } = await serve(answered("large", 2));
  const workflows = Array.from({ length: 50 }, (_, index) => ({ ...workflow, id: `w${index}` }));
  const { outcomes, counters } = await play(baseUrl, { workflows });
  expect(outcomes.map((each) => each.id)).toEqual(workflows.map((each) => each.id));
  expect(outcomes.every((each) => each.outcome === "completed")).toBe(true);
  expect(counters.byStatus).toEqual({ 200: 50 });
  expect(feedbackOf(seen)).toHaveLength(50);
});

test.each([
  { speedup: 0 },
  { speedup: Number.NaN },
  { deadlineMs: 0 },
  { deadlineMs: 2 ** 31 },
  { attemptsMax: 0 },
  { baseUrl: "nowhere" },
])("%j is out of bounds", async (bad) => {
  await expect(play("http://127.0.0.1:9/v1", bad)).rejects.toThrow(RangeError);
});
