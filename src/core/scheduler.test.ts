import { describe, expect, test } from "vitest";
import { AUTO, Bench, engine, estimate, PAPER } from "../../test/core/fixture.ts";
import { nextWakeMs } from "./scheduler.ts";

const one = engine("one", "m");
const two = engine("two", "m");
const other = engine("other", "n");
const short = [estimate("m", 0.5, 10)];
const either = [estimate("m", 0.5, 10), estimate("n", 0.5, 10)];

describe("order and place", () => {
  test("least remaining first, later stages compete with their own remainder", () => {
    const bench = new Bench([one], PAPER);
    bench.arrive("a", [estimate("m", 0.5, 100)]);
    bench.arrive("b", [estimate("m", 0.5, 60)]);
    bench.arrive("c", [estimate("m", 0.5, 30)]);
    for (const id of ["a", "c", "b"]) bench.end(id);
    expect(bench.dispatched()).toEqual(["a", "c", "b"]);
  });

  test("a class goes before every order, a promoted request before its class only", () => {
    const bench = new Bench([one], { ...PAPER, starvationThreshold: 1 });
    bench.arrive("running", short);
    bench.arrive("bulk", [estimate("m", 0.5, 1)], { class: "bulk" });
    bench.arrive("long", [estimate("m", 0.5, 900)]);
    bench.arrive("short", [estimate("m", 0.5, 5)]);
    bench.end("running");
    bench.arrive("shorter", [estimate("m", 0.5, 2)]);
    bench.end("short");
    bench.end("long");
    bench.end("shorter");
    expect(bench.dispatched()).toEqual(["running", "short", "long", "shorter", "bulk"]);
    expect(bench.state.engines[0]?.promotions).toBe(3);
  });

  test("over-commit gives an engine one more than it runs; KV tokens bound it too", () => {
    const bench = new Bench([engine("e", "m", { maxSequences: 2, overCommit: 1 })], AUTO);
    for (const id of ["a", "b", "c", "d"]) bench.arrive(id, short);
    expect(bench.dispatched()).toEqual(["a", "b", "c"]);
    const tight = new Bench([engine("e", "m", { maxSequences: 9, kvTokens: 50 })], AUTO);
    for (const id of ["a", "b", "c"]) tight.arrive(id, short);
    expect(tight.dispatched()).toEqual(["a", "b"]);
  });

  test("an engine that queues itself gets everything at once, with the key as priority", () => {
    const bench = new Bench([engine("e", "m", { queuePlace: "engine" })], PAPER);
    bench.arrive("a", [estimate("m", 0.5, 70)]);
    bench.arrive("b", [estimate("m", 0.5, 20)]);
    expect(bench.dispatched()).toEqual(["a", "b"]);
    expect(bench.dispatchOf("b")?.priority).toBe(20);
  });

  test("age overtakes length: a waiting workflow is passed only by much smaller ones", () => {
    const bench = new Bench([one], AUTO);
    bench.arrive("running", [estimate("m", 0.5, 100)]);
    bench.arrive("old", [estimate("m", 0.5, 200)]);
    // U is near 1500 ms, a scale of 10: ln(200^2) - ln(50^2) = 2.77 is caught up in 2.77 x 10 U
    bench.nowMs = 10_000;
    bench.arrive("young", [estimate("m", 0.5, 50)]);
    bench.nowMs = 60_000;
    bench.arrive("younger", [estimate("m", 0.5, 50)]);
    bench.end("running");
    bench.end("young");
    bench.end("old");
    expect(bench.dispatched()).toEqual(["running", "young", "old", "younger"]);
  });
});

describe("late choice", () => {
  test("an idle engine takes unstarted work when the wait costs more than the confidence", () => {
    for (const price of [0.01, 1]) {
      const bench = new Bench([one, other], { ...AUTO, price });
      bench.arrive("x", [estimate("n", 0.5, 10)]);
      bench.arrive("y", [estimate("m", 0.5, 300)]);
      bench.arrive("a", [estimate("m", 0.9, 100), estimate("n", 0.4, 200)], {
        knobs: { price: 0 },
      });
      expect(bench.decisionOf("a")).toMatchObject({ engine: "one", rule: "price" });
      bench.end("x");
      expect(bench.dispatchOf("a")).toBeUndefined();
    }
    const bench = new Bench([one, other], { ...AUTO, price: 0.6 });
    bench.arrive("x", [estimate("n", 0.5, 10)]);
    bench.arrive("y", [estimate("m", 0.5, 100)]);
    bench.arrive("a", [estimate("m", 0.9, 100), estimate("n", 0.4, 250)]);
    expect(bench.decisionOf("a")).toMatchObject({ engine: "one", rule: "price" });
    bench.end("x");
    expect(bench.dispatchOf("a")).toMatchObject({
      engine: "other",
      decision: { rule: "late-choice", movedFrom: "one", model: "n" },
    });
  });

  test("it moves what gains by it and nothing that has started", () => {
    const bench = new Bench([one, other], { ...AUTO, price: 1 });
    bench.arrive("x", [estimate("n", 0.5, 10)]);
    bench.arrive("a", [estimate("m", 0.5, 100), estimate("n", 0.5, 100)]);
    bench.arrive("stage", [estimate("m", 0.5, 100), estimate("n", 0.5, 100)], {
      workflowId: "a",
      stage: 1,
    });
    bench.arrive("b", [estimate("m", 0.9, 100), estimate("n", 0.1, 100)], { knobs: { price: 0 } });
    bench.end("x");
    expect(bench.dispatchOf("stage")).toBeUndefined();
    bench.arrive("c", [estimate("m", 0.5, 5)]);
    expect(bench.dispatched()).not.toContain("c");
  });
});

describe("predictions", () => {
  test("a request waits for its prediction no longer than the budget", () => {
    const bench = new Bench([one], AUTO);
    const [command] = bench.arrive("a", short, { predict: true });
    expect(command).toMatchObject({ type: "predict", models: ["m"], deadlineMs: 20 });
    expect(nextWakeMs(bench.state)).toBe(20);
    bench.nowMs = 20;
    bench.apply({ type: "time-passed", timeMs: 20 });
    expect(bench.dispatchOf("a")?.decision).toMatchObject({
      prediction: "late",
      estimateSource: "test",
    });
    bench.apply({ type: "prediction-ready", timeMs: 20, requestId: "a", estimates: short });
    expect(bench.dispatched()).toEqual(["a"]);
  });

  test("an answer in time replaces the cold-start value, a failed one does not", () => {
    const bench = new Bench([one], AUTO);
    bench.arrive("a", short, { predict: true });
    const better = [{ ...estimate("m", 0.7, 321), source: "forest" }];
    bench.apply({ type: "prediction-ready", timeMs: 5, requestId: "a", estimates: better });
    expect(bench.decisionOf("a")).toMatchObject({
      prediction: "ready",
      remainingTokens: 321,
      estimateSource: "forest",
    });
    bench.nowMs = 5;
    bench.arrive("b", short, { predict: true });
    bench.apply({ type: "prediction-ready", timeMs: 6, requestId: "b", estimates: null });
    expect(bench.decisionOf("b")).toMatchObject({ prediction: "failed", remainingTokens: 10 });
  });
});

describe("engines come and go", () => {
  test("death: the queue is assigned again, the running one is retried, its home moves", () => {
    const bench = new Bench([one, two], AUTO);
    bench.arrive("a", short);
    bench.arrive("b", short);
    bench.arrive("c", short);
    const lost = bench.decisionOf("a")?.engine ?? "";
    bench.apply({ type: "engine-changed", timeMs: 0, engine: lost, state: "dead" });
    const left = lost === "one" ? "two" : "one";
    expect(bench.decisionOf("a")).toMatchObject({ engine: left, movedFrom: lost });
    for (const id of ["a", "b", "c"]) expect(bench.decisionOf(id)?.engine).toBe(left);
    for (const id of ["b", "a", "c"]) bench.end(id);
    expect(new Set(Object.values(bench.outcomes()))).toEqual(new Set(["completed"]));
  });

  test("what the client has seen is not retried; what is streamed inside is", () => {
    for (const streams of [true, false]) {
      const bench = new Bench([one, two], AUTO);
      bench.arrive("a", short, { streams });
      const from = bench.decisionOf("a")?.engine ?? "";
      bench.apply({ type: "tokens-streamed", timeMs: 0, requestId: "a", attempt: 1, tokens: 3 });
      bench.apply({ type: "engine-changed", timeMs: 0, engine: from, state: "dead" });
      expect(bench.outcomes()["a"]).toBe(streams ? "engine-failed" : undefined);
    }
  });

  test("attempts are bounded, and a failing engine is left alone for a while", () => {
    const bench = new Bench([one], AUTO, { attemptsMax: 2 });
    bench.arrive("a", short);
    bench.end("a", "failed");
    expect(bench.dispatched()).toEqual(["a"]);
    expect(nextWakeMs(bench.state)).toBe(100);
    bench.nowMs = 100;
    bench.apply({ type: "time-passed", timeMs: 100 });
    expect(bench.dispatched()).toEqual(["a", "a"]);
    bench.end("a", "failed");
    expect(bench.outcomes()).toEqual({ a: "engine-failed" });
  });

  test("a request does not go back to an engine that failed it while another is untried", () => {
    const third = engine("three", "m");
    const bench = new Bench([one, two, third], AUTO);
    bench.arrive("a", short);
    for (const pauseMs of [1000, 1000]) {
      bench.end("a", "failed");
      bench.nowMs += pauseMs;
      bench.apply({ type: "time-passed", timeMs: bench.nowMs });
    }
    const served = bench.commands.flatMap((each) =>
      each.type === "dispatch" ? [each.engine] : [],
    );
    expect(new Set(served).size).toBe(3);
  });

  test("a full engine is not ill: no attempt is used, it is asked again later", () => {
    const bench = new Bench([one], AUTO, { attemptsMax: 1 });
    bench.arrive("a", short);
    for (let round = 1; round <= 5; round++) {
      bench.end("a", "full");
      bench.nowMs = nextWakeMs(bench.state);
      bench.apply({ type: "time-passed", timeMs: bench.nowMs });
    }
    bench.end("a");
    expect(bench.outcomes()).toEqual({ a: "completed" });
  });

  test("a full engine is sent nothing before the time that it gave", () => {
    const bench = new Bench([one], AUTO, { attemptsMax: 1 });
    bench.arrive("a", short);
    bench.end("a", "full", 0, 7000);
    bench.arrive("b", short);
    expect(nextWakeMs(bench.state)).toBe(7000);
    for (const timeMs of [100, 6999]) {
      bench.nowMs = timeMs;
      bench.apply({ type: "time-passed", timeMs });
      expect(bench.dispatched()).toEqual(["a"]);
    }
    bench.nowMs = 7000;
    bench.apply({ type: "time-passed", timeMs: 7000 });
    expect(bench.dispatched()).toHaveLength(2);
  });

  test("a failure meanwhile does not shorten the time that a full engine gave", () => {
    const bench = new Bench([one], AUTO, { attemptsMax: 3 });
    bench.arrive("a", short);
    bench.arrive("b", short);
    bench.end("a", "full", 0, 7000);
    bench.end("b", "failed");
    expect(nextWakeMs(bench.state)).toBe(7000);
  });

  test("what the policy allows goes to another engine at once", () => {
    const bench = new Bench([one, other], AUTO, { attemptsMax: 1 });
    bench.arrive("a", either);
    const first = bench.dispatchOf("a")?.engine;
    bench.end("a", "full", 0, 60_000);
    expect(bench.dispatchOf("a")).toMatchObject({ attempt: 2 });
    expect(bench.dispatchOf("a")?.engine).not.toBe(first);
  });

  test("who cannot wait so long is told when to try again, and so is who comes later", () => {
    const bench = new Bench([one], AUTO, { attemptsMax: 1 });
    bench.arrive("a", short, { queueWaitMsMax: 5000 });
    bench.end("a", "full", 0, 60_000);
    bench.nowMs = 10_000;
    bench.arrive("b", short, { queueWaitMsMax: 5000 });
    bench.arrive("patient", short, { queueWaitMsMax: 50_000 });
    expect(bench.outcomes()).toEqual({ a: "deadline", b: "deadline" });
    const told = bench.commands.filter((each) => each.type === "reject");
    expect(told.map((each) => each.retryAfterMs)).toEqual([60_000, 50_000]);
    bench.apply({ type: "engine-changed", timeMs: 10_000, engine: "one", state: "dead" });
    bench.apply({ type: "engine-changed", timeMs: 10_000, engine: "one", state: "live" });
    expect(bench.dispatched().at(-1)).toBe("patient");
  });

  test("draining: no new work, what runs ends", () => {
    const bench = new Bench([one, other], AUTO);
    bench.arrive("a", short);
    bench.apply({ type: "engine-changed", timeMs: 0, engine: "one", state: "draining" });
    bench.arrive("b", either);
    expect(bench.decisionOf("b")?.engine).toBe("other");
    bench.arrive("c", short);
    expect(bench.outcomes()).toEqual({ c: "no-engine" });
    bench.end("a");
    expect(bench.outcomes()["a"]).toBe("completed");
  });

  test("accepted work waits for an engine to come back, until its time is up", () => {
    const bench = new Bench([one], AUTO);
    bench.arrive("a", short, { queueWaitMsMax: 1000 });
    bench.arrive("b", short, { queueWaitMsMax: 90 });
    bench.apply({ type: "engine-changed", timeMs: 0, engine: "one", state: "dead" });
    bench.nowMs = 95;
    bench.apply({ type: "time-passed", timeMs: 95 });
    expect(bench.outcomes()).toEqual({ b: "queue-timeout" });
    bench.apply({ type: "engine-changed", timeMs: 95, engine: "one", state: "live" });
    bench.end("a");
    expect(bench.outcomes()["a"]).toBe("completed");
  });

  test("a removed engine is told to stop, and forgotten", () => {
    const bench = new Bench([one, two], AUTO);
    bench.arrive("a", short);
    const from = bench.decisionOf("a")?.engine ?? "";
    bench.apply({ type: "engine-changed", timeMs: 0, engine: from, state: "removed" });
    expect(bench.commands.map((each) => each.type)).toContain("abort");
    expect(bench.state.engines.map((each) => each.spec.name)).not.toContain(from);
  });
});

describe("clients and workflows", () => {
  test("a client that leaves frees every book, in every state", () => {
    const bench = new Bench([one], AUTO);
    bench.arrive("running", short);
    bench.arrive("queued", short);
    bench.arrive("predicting", short, { predict: true });
    for (const id of ["predicting", "queued", "running"]) {
      bench.apply({ type: "client-gone", timeMs: 0, requestId: id });
    }
    expect(bench.state.requests.size).toBe(0);
    expect(bench.state.engines[0]?.inFlightTokens).toBe(0);
    const aborts = bench.commands.filter((each) => each.type === "abort");
    expect(aborts).toMatchObject([{ requestId: "running", engine: "one", attempt: 1 }]);
  });

  test("later stages stay on the workflow's engine; another pool has a home of its own", () => {
    const bench = new Bench([one, two, other], AUTO);
    bench.arrive("s0", either, { workflowId: "w" });
    const home = bench.decisionOf("s0")?.engine;
    bench.end("s0");
    bench.arrive("busy", either);
    bench.arrive("s1", either, { workflowId: "w", stage: 1 });
    expect(bench.decisionOf("s1")).toMatchObject({ engine: home, rule: "sticky" });
    bench.arrive("critic", [estimate("n", 0.5, 10)], { workflowId: "w", pool: "n" });
    expect(bench.decisionOf("critic")?.engine).toBe("other");
  });

  test("feedback ends a workflow after its last request; silence ends it too", () => {
    const bench = new Bench([one], AUTO, { workflowIdleMs: 500 });
    bench.arrive("a", short);
    bench.apply({ type: "workflow-ended", timeMs: 0, workflowId: "a", score: 0.75 });
    bench.end("a");
    bench.arrive("b", short);
    bench.end("b");
    bench.nowMs = 500;
    bench.apply({ type: "time-passed", timeMs: 500 });
    const records = bench.commands.filter((each) => each.type === "record-workflow");
    expect(records).toMatchObject([
      { workflowId: "a", end: "ended", score: 0.75, stages: 1, models: ["m"] },
      { workflowId: "b", end: "idle", score: null },
    ]);
  });

  test("bounds: the queue refuses, the workflow table makes room", () => {
    const bench = new Bench([one], AUTO, { queueRequestsMax: 1, workflowsMax: 2 });
    bench.arrive("running", short);
    bench.arrive("queued", short);
    bench.arrive("refused", short);
    const reject = bench.commands.find((each) => each.type === "reject");
    expect(reject).toMatchObject({ requestId: "refused", outcome: "queue-full" });
    expect(reject?.retryAfterMs).toBeGreaterThanOrEqual(1000);
    bench.end("running");
    bench.end("queued");
    bench.arrive("new", short);
    expect(bench.state.workflows.size).toBeLessThanOrEqual(3);
  });

  test("a full queue sheds the last of the lowest class for a higher one", () => {
    const bench = new Bench([one, other], AUTO, { queueRequestsMax: 3 });
    for (const id of ["r1", "r2"]) bench.arrive(id, either);
    bench.arrive("bulk-short", short, { class: "bulk" });
    bench.arrive("bulk-long", [estimate("m", 0.5, 900)], { class: "bulk" });
    bench.arrive("default", short);
    bench.arrive("refused", short, { class: "bulk" });
    expect(bench.outcomes()).toEqual({ refused: "queue-full" });
    bench.arrive("chat", short, { class: "interactive" });
    bench.arrive("chat-2", short, { class: "interactive" });
    bench.arrive("chat-3", short, { class: "interactive" });
    bench.arrive("chat-4", short, { class: "interactive" });
    expect(bench.outcomes()).toEqual({
      refused: "queue-full",
      "bulk-long": "shed",
      "bulk-short": "shed",
      default: "shed",
      "chat-4": "queue-full",
    });
  });

  test("tokens that wait are bounded too, and a tenant has a share of its own", () => {
    const bench = new Bench([one], AUTO, { queueTokensMax: 100 });
    bench.arrive("running", short);
    bench.arrive("long", [estimate("m", 0.5, 500)]);
    bench.arrive("more", short);
    expect(bench.outcomes()).toEqual({ more: "queue-full" });
    const shared = new Bench([one], AUTO);
    shared.arrive("running", short);
    const tenant = { id: "greedy", queueRequestsMax: 1 };
    for (const id of ["first", "second"]) shared.arrive(id, short, { tenant });
    shared.arrive("modest", short, { tenant: { id: "modest", queueRequestsMax: 1 } });
    expect(shared.outcomes()).toEqual({ second: "queue-full" });
  });

  test("what cannot start before its deadline is refused at once, with the time that it takes", () => {
    const bench = new Bench([one], AUTO);
    bench.arrive("running", [estimate("m", 0.5, 100)]);
    bench.arrive("queued", [estimate("m", 0.5, 100)]);
    // 100 tokens before it and a mean stage, 10 ms each: it would start in 2 s.
    bench.arrive("hasty", [estimate("m", 0.5, 100)], { startWithinMs: 500 });
    const reject = bench.commands.find((each) => each.type === "reject");
    expect(reject).toMatchObject({ requestId: "hasty", outcome: "deadline", retryAfterMs: 1500 });
    bench.arrive("patient", [estimate("m", 0.5, 100)], { startWithinMs: 5000 });
    expect(bench.outcomes()).toEqual({ hasty: "deadline" });
    bench.nowMs = 5000;
    bench.apply({ type: "time-passed", timeMs: 5000 });
    expect(bench.outcomes()["patient"]).toBe("queue-timeout");
  });
});
