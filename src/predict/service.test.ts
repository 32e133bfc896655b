import { setImmediate } from "node:timers/promises";

import { afterEach, describe, expect, test } from "vitest";

import { ManualClock } from "../../test/gateway/manual-clock.ts";
import type { ScriptedModelData } from "../../test/predict/scripted-model.ts";
import type { Estimate } from "../core/types.ts";
import type { StageFacts } from "./port.ts";
import type { PredictionServiceLimits } from "./service-limits.ts";
import { PredictionService } from "./service.ts";

const MODELS = ["small", "large"];
const MODEL_URL = new URL("../../test/predict/scripted-model.ts", import.meta.url).href;
const BATCH_MS_MAX = 500;
const START_MS_MAX = 9000;

interface Setup {
  readonly service: PredictionService;
  readonly clock: ManualClock;
  readonly problems: string[];
  readonly ask: (kind: string, deadlineMs?: number) => Promise<Estimate[] | null>;
  /** Resolves when the model has begun its n-th batch. */
  readonly batchBegun: (count: number) => Promise<void>;
  readonly openGate: () => void;
}

const services: PredictionService[] = [];
afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.destroy()));
});

function setUp(
  limits: Partial<PredictionServiceLimits> = {},
  start: ScriptedModelData["start"] = "ready",
): Setup {
  const cells = new SharedArrayBuffer(8);
  const view = new Int32Array(cells);
  const clock = new ManualClock();
  const problems: string[] = [];
  const data: ScriptedModelData = { cells, start };
  const service = new PredictionService({
    name: "scripted",
    moduleUrl: MODEL_URL,
    data,
    clock,
    onProblem: (message) => problems.push(message),
    limits: { batchMsMax: BATCH_MS_MAX, startMsMax: START_MS_MAX, batchWaitMsMax: 0, ...limits },
  });
  services.push(service);
  return {
    service,
    clock,
    problems,
    ask: (kind, deadlineMs = Infinity) => service.predict(factsOf(kind), MODELS, deadlineMs),
    batchBegun: async (count) => {
      while (Atomics.load(view, 1) < count) await setImmediate();
    },
    openGate: () => {
      Atomics.store(view, 0, 1);
      Atomics.notify(view, 0);
    },
  };
}

function factsOf(kind: string): StageFacts {
  return {
    workflowId: "w",
    kind,
    role: null,
    stage: 0,
    pool: "chimera",
    promptTokens: 70,
    systemTokens: 0,
    userTokens: 70,
    outputTokensMax: null,
    expectedOutputTokens: null,
    callsLeft: null,
    producedTokens: [],
    text: null,
  };
}

function sizes(answers: readonly (Estimate[] | null)[]): (string | undefined)[] {
  return answers.map((answer) => answer?.[0]?.source.match(/batch of \d+/)?.[0]);
}

describe("answers", () => {
  test("a model's estimates come back, one per model in the order asked", async () => {
    const { service, ask } = setUp();
    expect(await service.ready()).toBe(true);
    const estimates = await ask("plain", 20);
    expect(estimates).toEqual(
      MODELS.map((model) => ({
        model,
        confidence: 0.5,
        remainingMean: 140,
        remainingMedian: 70,
        stageTokens: 70,
        source: "scripted, batch of 1, 20 ms left",
      })),
    );
    expect(service.counts()).toMatchObject({ predicted: 1, failed: 0, refused: 0, late: 0 });
  });

  test("what is unsound, for other models or missing is null, and harms nobody else", async () => {
    const { service, clock, ask } = setUp({ batchWaitMsMax: 5 });
    await service.ready();
    const kinds = ["unsound", "plain", "reversed", "none"];
    const answers = Promise.all(kinds.map((kind) => ask(kind)));
    clock.advance(5);
    expect((await answers).map((answer) => answer !== null)).toEqual([false, true, false, false]);
    expect(service.counts()).toMatchObject({ predicted: 1, failed: 3 });
  });

  test("a batch whose prediction throws is null, and the same thread goes on", async () => {
    const { service, problems, ask } = setUp();
    await service.ready();
    expect(await ask("throws")).toBeNull();
    expect(await ask("plain")).not.toBeNull();
    expect(problems).toEqual(["cannot predict"]);
    expect(service.counts().restarts).toBe(0);
  });
});

describe("batches", () => {
  test("requests are sent together when a batch is full or its first has waited enough", async () => {
    const { service, clock, ask } = setUp({ batchSizeMax: 3, batchWaitMsMax: 5 });
    await service.ready();
    const full = [ask("plain"), ask("plain"), ask("plain")];
    expect(sizes(await Promise.all(full))).toEqual(["batch of 3", "batch of 3", "batch of 3"]);
    const part = [ask("plain")];
    clock.advance(4);
    part.push(ask("plain"));
    clock.advance(1);
    expect(sizes(await Promise.all(part))).toEqual(["batch of 2", "batch of 2"]);
  });

  test("what comes while the model works is its next batch", async () => {
    const { service, ask, batchBegun, openGate } = setUp({ batchSizeMax: 4 });
    await service.ready();
    const answers = [ask("gate")];
    await batchBegun(1);
    for (let count = 0; count < 6; count++) answers.push(ask("plain"));
    openGate();
    const [first, ...later] = sizes(await Promise.all(answers));
    expect(first).toBe("batch of 1");
    expect(later).toEqual([...Array(4).fill("batch of 4"), ...Array(2).fill("batch of 2")]);
  });
});

describe("limits", () => {
  test("a request beyond the pending ones is answered null at once", async () => {
    const { service, ask, batchBegun, openGate } = setUp({ requestsPendingMax: 2 });
    await service.ready();
    const held = [ask("gate"), ask("plain")];
    await batchBegun(1);
    expect(await ask("plain")).toBeNull();
    expect(service.counts().refused).toBe(1);
    openGate();
    expect(await Promise.all(held)).not.toContain(null);
    expect(await ask("plain")).not.toBeNull();
  });

  test("work whose deadline passed while it waited never reaches the model", async () => {
    const { service, clock, ask, batchBegun, openGate } = setUp();
    await service.ready();
    const held = ask("gate");
    await batchBegun(1);
    const [late, timely] = [ask("plain", 20), ask("plain", 21)];
    clock.advance(20);
    openGate();
    expect(await held).not.toBeNull();
    expect(await late).toBeNull();
    expect((await timely)?.[0]?.source).toBe("scripted, batch of 1, 1 ms left");
    expect(service.counts()).toMatchObject({ predicted: 2, late: 1 });
  });

  test("an answer after the deadline is null", async () => {
    const { service, clock, ask, batchBegun, openGate } = setUp();
    await service.ready();
    const late = ask("gate", 20);
    await batchBegun(1);
    clock.advance(20);
    openGate();
    expect(await late).toBeNull();
    expect(service.counts()).toMatchObject({ predicted: 0, late: 1 });
  });
});

describe("broken threads", () => {
  test("until a model is ready nothing is held for it", async () => {
    const { service, ask } = setUp();
    expect(await ask("plain")).toBeNull();
    expect(service.counts().refused).toBe(1);
  });

  test("a thread that dies costs what waits for it, and is replaced", async () => {
    const { service, problems, ask } = setUp();
    await service.ready();
    expect(await Promise.all([ask("exits"), ask("plain")])).toEqual([null, null]);
    expect(problems).toEqual(["its thread ended"]);
    expect(await service.ready()).toBe(true);
    expect(await ask("plain")).not.toBeNull();
    expect(service.counts()).toMatchObject({ failed: 2, restarts: 1 });
  });

  test("a second thread serves while the first one is busy, and its death is its own", async () => {
    const { service, ask, batchBegun, openGate } = setUp({ threads: 2 });
    await service.ready();
    const held = ask("gate");
    await batchBegun(1);
    expect(await ask("plain")).not.toBeNull();
    expect(await ask("exits")).toBeNull();
    openGate();
    expect(await held).not.toBeNull();
  });

  test("a thread that hangs is ended and replaced", async () => {
    const { service, clock, problems, ask, batchBegun } = setUp();
    await service.ready();
    const hung = ask("gate");
    await batchBegun(1);
    clock.advance(BATCH_MS_MAX);
    expect(await hung).toBeNull();
    expect(problems).toEqual([`did not answer within ${BATCH_MS_MAX} ms`]);
    expect(await service.ready()).toBe(true);
    expect(await ask("plain")).not.toBeNull();
  });

  test("a model that cannot start is tried again only so often in a window", async () => {
    const { service, clock, problems, ask } = setUp(
      { restartsMax: 2, restartWindowMs: 100 },
      "throws",
    );
    expect(await service.ready()).toBe(false);
    expect(problems).toEqual(Array(3).fill("no model here"));
    clock.advance(99);
    expect(await ask("plain")).toBeNull();
    expect(service.counts().restarts).toBe(2);
    clock.advance(1);
    expect(await ask("plain")).toBeNull();
    expect(await service.ready()).toBe(false);
    expect(service.counts().restarts).toBe(4);
  });

  test("a model that hangs while it starts is ended", async () => {
    const { service, clock, problems } = setUp({ restartsMax: 0 }, "blocks");
    const ready = service.ready();
    clock.advance(START_MS_MAX);
    expect(await ready).toBe(false);
    expect(problems).toEqual([`did not start within ${START_MS_MAX} ms`]);
  });
});

describe("the end", () => {
  test("close answers what it has, takes no more, and may be called twice", async () => {
    const { service, problems, ask, batchBegun, openGate } = setUp({ batchWaitMsMax: 50 });
    await service.ready();
    const held = [ask("gate"), ask("plain")];
    const closed = service.close();
    expect(await ask("plain")).toBeNull();
    await batchBegun(1);
    openGate();
    expect(await Promise.all(held)).not.toContain(null);
    await Promise.all([closed, service.close()]);
    expect(await service.ready()).toBe(false);
    expect(problems).toEqual([]);
  });

  test("close ends although a model hangs", async () => {
    const { service, clock, ask, batchBegun } = setUp();
    await service.ready();
    const held = [ask("gate"), ask("plain")];
    await batchBegun(1);
    const closed = service.close();
    clock.advance(BATCH_MS_MAX);
    await closed;
    expect(await Promise.all(held)).toEqual([null, null]);
  });

  test("destroy answers null to all at once, and may be called twice or while closing", async () => {
    const { service, problems, ask, batchBegun } = setUp();
    await service.ready();
    const held = [ask("gate"), ask("plain")];
    await batchBegun(1);
    const closed = service.close();
    await Promise.all([service.destroy(), service.destroy()]);
    expect(await Promise.all(held)).toEqual([null, null]);
    await closed;
    expect(problems).toEqual([]);
  });
});
