import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { Command, Dispatch } from "../../src/core/command.ts";
import type { Event } from "../../src/core/event.ts";
import type { SchedulerOptions } from "../../src/core/state.ts";
import type { Estimate, Policy } from "../../src/core/types.ts";
import { Driver, type RequestHandler } from "../../src/gateway/driver.ts";
import { EventLog } from "../../src/gateway/event-log.ts";
import { replayEventLog } from "../../src/gateway/event-log-replay.ts";
import type { Predictor, StageFacts } from "../../src/predict/port.ts";
import { ManualClock } from "./manual-clock.ts";

const policy: Policy = {
  choice: "auto",
  order: "smith-age",
  assign: "workflow",
  price: 0.2,
  slack: null,
  minGain: 0.1,
  ownWork: true,
  target: null,
  countsRunning: true,
  countsDelay: true,
  liveBatch: true,
  orderBy: "choice",
  starvationThreshold: 0,
  starvationQuantum: 1,
  ageScale: 10,
  lateChoiceRequestsMax: 48,
  stickinessBonus: null,
};

const scheduler: SchedulerOptions = {
  policy,
  seed: 1,
  predictionBudgetMs: 20,
  attemptsMax: 2,
  queueRequestsMax: 10,
  workflowsMax: 100,
  workflowIdleMs: 1000,
  engines: [
    {
      name: "e1",
      model: "m",
      maxSequences: 1,
      kvTokens: 10_000,
      overCommit: 0,
      queuePlace: "gateway",
      speed: { baseMs: 10, perSequenceMs: 1, perKvTokenMs: 0, perPromptTokenMs: 0.1 },
      profileMsPerToken: 11,
      profileBatch: 1,
    },
  ],
};

function estimate(tokens: number): Estimate {
  return {
    model: "m",
    confidence: 0.5,
    remainingMean: tokens,
    remainingMedian: tokens,
    stageTokens: tokens,
    source: "test",
  };
}

function factsOf(workflowId: string): StageFacts {
  return {
    workflowId,
    kind: "k",
    role: null,
    stage: 0,
    pool: "m",
    promptTokens: 10,
    systemTokens: 0,
    userTokens: 10,
    outputTokensMax: null,
    expectedOutputTokens: null,
    callsLeft: null,
    producedTokens: [],
    text: null,
  };
}

class Probe implements RequestHandler {
  readonly facts: StageFacts;
  readonly errorCode: null = null;
  readonly seen: string[] = [];
  onDispatch: (command: Dispatch) => void = () => {};

  constructor(workflowId: string) {
    this.facts = factsOf(workflowId);
  }

  dispatch(command: Dispatch): void {
    this.seen.push("dispatch");
    this.onDispatch(command);
  }

  abort(): void {
    this.seen.push("abort");
  }

  reject(command: { outcome: string }): void {
    this.seen.push(`reject ${command.outcome}`);
  }

  ended(record: { outcome: string }): void {
    this.seen.push(`ended ${record.outcome}`);
  }
}

interface Bench {
  readonly clock: ManualClock;
  readonly driver: Driver;
  readonly steps: { event: Event; commands: readonly Command[] }[];
  readonly workflows: string[];
}

function bench(predictor: Predictor | null = null, log: EventLog | null = null): Bench {
  const clock = new ManualClock();
  const steps: Bench["steps"] = [];
  const workflows: string[] = [];
  const driver = new Driver({
    scheduler,
    clock,
    predictor,
    recorder: { stageEnded: () => {}, workflowEnded: (record) => workflows.push(record.end) },
    observers: [
      (event, commands) => steps.push({ event, commands }),
      (event, commands) => log?.write(event, commands),
    ],
  });
  return { clock, driver, steps, workflows };
}

function admit(
  driver: Driver,
  id: string,
  more: { predict?: boolean; waitMs?: number } = {},
): Probe {
  const probe = new Probe(`w-${id}`);
  driver.admit(
    {
      type: "request-arrived",
      requestId: id,
      workflowId: probe.facts.workflowId,
      stage: 0,
      class: "default",
      pool: "m",
      estimates: [estimate(100)],
      predict: more.predict ?? false,
      promptTokens: 10,
      outputTokensMax: null,
      streams: true,
      queueWaitMsMax: more.waitMs ?? 500,
      knobs: null,
    },
    probe,
  );
  return probe;
}

function complete(driver: Driver, requestId: string): void {
  driver.apply({
    type: "request-ended",
    requestId,
    attempt: 1,
    result: "completed",
    outputTokens: 5,
  });
}

test("an event raised by a command is handled after the step that raised it", () => {
  const { driver, steps } = bench();
  const first = admit(driver, "1");
  const second = new Probe("x");
  second.onDispatch = () => {};
  const queued = admit(driver, "2");
  queued.onDispatch = (command) => complete(driver, command.requestId);
  complete(driver, "1");
  expect(first.seen).toEqual(["dispatch", "ended completed"]);
  expect(queued.seen).toEqual(["dispatch", "ended completed"]);
  expect(steps.map((step) => step.event.type)).toEqual([
    "request-arrived",
    "request-arrived",
    "request-ended",
    "request-ended",
  ]);
  expect(driver.openRequests).toBe(0);
});

test("one timer wakes the core for queue limits and idle workflows, and none is left after close", () => {
  const { clock, driver, workflows } = bench();
  admit(driver, "1");
  const waiting = admit(driver, "2", { waitMs: 50 });
  expect(clock.timers).toBe(1);
  clock.advance(50);
  expect(waiting.seen).toEqual(["reject queue-timeout", "ended queue-timeout"]);
  complete(driver, "1");
  clock.advance(2000);
  expect(workflows).toEqual(["idle", "idle"]);
  driver.close();
  expect(clock.timers).toBe(0);
});

test("a prediction in time is used, a late and a failed one hold nobody up", async () => {
  const answers: ((estimates: Estimate[] | null) => void)[] = [];
  const predictor: Predictor = {
    name: "test",
    predict: () => new Promise((resolve) => answers.push(resolve)),
    close: () => Promise.resolve(),
  };
  const decisions: string[] = [];
  const run = async (id: string, act: (clock: ManualClock) => void): Promise<void> => {
    const { clock, driver } = bench(predictor);
    const probe = new Probe(id);
    probe.onDispatch = (command) =>
      decisions.push(`${command.decision.prediction} ${command.decision.remainingTokens}`);
    driver.admit(
      {
        type: "request-arrived",
        requestId: id,
        workflowId: id,
        stage: 0,
        class: "default",
        pool: "m",
        estimates: [estimate(100)],
        predict: true,
        promptTokens: 10,
        outputTokensMax: null,
        streams: true,
        queueWaitMsMax: 500,
        knobs: null,
      },
      probe,
    );
    expect(probe.seen).toEqual([]);
    act(clock);
    await Promise.resolve();
    await Promise.resolve();
    expect(probe.seen).toEqual(["dispatch"]);
    driver.close();
  };
  await run("in-time", () => answers.pop()?.([estimate(7)]));
  await run("failed", () => answers.pop()?.(null));
  await run("late", (clock) => clock.advance(20));
  expect(decisions).toEqual(["ready 7", "failed 100", "late 100"]);
});

test("an answer for an earlier request of the same id is not taken for the later one's", async () => {
  const answers: ((estimates: Estimate[] | null) => void)[] = [];
  const predictor: Predictor = {
    name: "test",
    predict: () => new Promise((resolve) => answers.push(resolve)),
    close: () => Promise.resolve(),
  };
  const { driver, steps } = bench(predictor);
  admit(driver, "1", { predict: true });
  driver.apply({ type: "client-gone", requestId: "1" });
  admit(driver, "1", { predict: true });
  answers[0]?.([estimate(7)]);
  await Promise.resolve();
  await Promise.resolve();
  expect(steps.map((step) => step.event.type)).not.toContain("prediction-ready");
});

test("a recorded log replayed into a fresh core gives the same commands", async () => {
  const folder = await mkdtemp(join(tmpdir(), "chimera-log-"));
  const path = join(folder, "events.jsonl");
  const log = new EventLog(path, scheduler);
  const { clock, driver, steps } = bench(null, log);
  for (let index = 0; index < 8; index++) {
    admit(driver, `r${index}`, { waitMs: 100 + index * 40 });
    clock.advance(7.3 * index);
  }
  complete(driver, "r0");
  driver.apply({ type: "client-gone", requestId: "r3" });
  driver.apply({ type: "engine-changed", engine: "e1", state: "dead" });
  clock.advance(90);
  driver.apply({ type: "engine-changed", engine: "e1", state: "live" });
  clock.advance(5000);
  driver.close();
  await log.close();
  const replay = await replayEventLog(path);
  expect(replay).toEqual({ steps: steps.length, cut: false, difference: null });
  await rm(folder, { recursive: true });
});
