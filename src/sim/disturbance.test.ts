import { describe, expect, test } from "vitest";
import { smallEngine, twoStageProblems } from "../../test/sim/small-workload.ts";
import { AUTO } from "../core/policies.ts";
import { poissonTimes, populate } from "./arrivals.ts";
import { PLAIN_ENGINE, UNBOUNDED } from "./capacity.ts";
import type { Disturbances } from "./disturbance.ts";
import { simulate } from "./driver.ts";
import { engineSpecOf } from "./engine-file.ts";
import { EngineModel } from "./engine-model.ts";
import { outcomesOf, reportOf, type WorkflowOutcome } from "./report.ts";
import type { SimulationResult, StageResult } from "./simulation.ts";
import { createTruth } from "./truth.ts";

const problems = twoStageProblems([10, 80, 30]);
const CALM: Disturbances = { faults: [], patienceMsMean: null, seed: 5 };

interface Played {
  readonly result: SimulationResult;
  readonly outcomes: readonly WorkflowOutcome[];
  readonly stages: readonly StageResult[];
}

function play(disturbances: Disturbances): Played {
  const workflows = populate(problems, [...poissonTimes(300, 6, 7)], 7);
  const stages: StageResult[] = [];
  const result = simulate({
    scheduler: { policy: AUTO, seed: 1, ...UNBOUNDED },
    engines: ["a", "b"].map((name) => ({
      spec: engineSpecOf(smallEngine(name, 4), 1),
      model: new EngineModel(smallEngine(name, 4), PLAIN_ENGINE),
    })),
    engineOrder: "fcfs",
    queueWaitMsMax: Number.POSITIVE_INFINITY,
    workflows,
    estimator: createTruth(workflows),
    disturbances,
    onStage: (stage) => stages.push(stage),
  });
  return { result, outcomes: outcomesOf(result), stages };
}

function booksAreEmpty({ state }: SimulationResult): void {
  expect([state.requests.size, state.workflows.size, state.waitingRequests]).toEqual([0, 0, 0]);
  for (const { inFlightTokens, heldTokens } of state.engines) {
    expect([inFlightTokens, heldTokens]).toEqual([0, 0]);
  }
}

describe("an engine that dies and returns", () => {
  const faults = [{ engine: "a", atMs: 10_000, downMs: 8_000 }];

  test("loses no workflow, serves nothing while it is away, and serves again", () => {
    const { result, outcomes, stages } = play({ ...CALM, faults });
    expect(reportOf("auto", outcomes)).toMatchObject({ completed: 300, failed: {} });
    const ends = stages.filter((stage) => stage.engine === "a").map((stage) => stage.endMs);
    expect(ends.filter((ms) => ms > 10_000 && ms <= 18_000)).toEqual([]);
    expect(ends.filter((ms) => ms > 18_000).length).toBeGreaterThan(0);
    booksAreEmpty(result);
  });

  test("with nobody else to serve, what was taken waits for its return and what comes is refused", () => {
    const both = faults.flatMap((fault) => [fault, { ...fault, engine: "b" }]);
    const { result, outcomes, stages } = play({ ...CALM, faults: both });
    const { completed, failed } = reportOf("auto", outcomes);
    expect(failed).toEqual({ "no-engine": 300 - completed });
    const arrivedMeanwhile = outcomes.filter(({ reason }) => reason === "no-engine");
    for (const { endMs } of arrivedMeanwhile) expect(endMs).toBeGreaterThanOrEqual(10_000);
    for (const { endMs } of arrivedMeanwhile) expect(endMs).toBeLessThan(18_000);
    expect(stages.filter(({ endMs }) => endMs > 10_000 && endMs <= 18_000)).toEqual([]);
    booksAreEmpty(result);
  });

  test("a fault after the last workflow does not prolong the run", () => {
    const late = play({ ...CALM, faults: [{ engine: "a", atMs: 1e9, downMs: 1 }] });
    expect(late.outcomes).toEqual(play(CALM).outcomes);
    expect(late.result.state.nowMs).toBeLessThan(1e9);
  });
});

describe("clients without patience", () => {
  test("leave from wherever their workflow is, and nothing of it stays on the books", () => {
    const { result, outcomes } = play({ ...CALM, patienceMsMean: 3000 });
    const { completed, failed } = reportOf("auto", outcomes);
    expect(failed["client-gone"]).toBeGreaterThan(10);
    expect(completed + (failed["client-gone"] ?? 0)).toBe(300);
    booksAreEmpty(result);
  });

  test("the same seed draws the same patience, another seed another", () => {
    const [first, again, other] = [5, 5, 6].map(
      (seed) => play({ ...CALM, patienceMsMean: 3000, seed }).outcomes,
    );
    expect(again).toEqual(first);
    expect(other).not.toEqual(first);
  });

  test("patience without end changes nothing", () => {
    expect(play({ ...CALM, patienceMsMean: 1e12 }).outcomes).toEqual(play(CALM).outcomes);
  });
});
