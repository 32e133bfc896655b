import { expect, test } from "vitest";
import { smallEngine, twoStageProblems } from "../../test/sim/small-workload.ts";
import { AUTO } from "../core/policies.ts";
import { poissonTimes, populated } from "./arrivals.ts";
import { PLAIN_ENGINE, UNBOUNDED } from "./capacity.ts";
import { simulate, simulateStream } from "./driver.ts";
import type { StreamOptions } from "./simulation.ts";
import { engineSpecOf } from "./engine-file.ts";
import { EngineModel } from "./engine-model.ts";
import { outcomesOf } from "./report.ts";
import type { RunningWorkflow } from "./running-workflow.ts";
import { createTruth } from "./truth.ts";
import type { PlayableWorkflow } from "./workload.ts";

const ENGINE = smallEngine("e", 2);
const problems = twoStageProblems([10, 40, 25]);

function workload(): Iterable<PlayableWorkflow> {
  return populated(problems, poissonTimes(200, 2, 7), 7);
}

function settings(): Omit<StreamOptions, "workflows" | "onWorkflow" | "estimator"> {
  return {
    scheduler: { policy: AUTO, seed: 1, ...UNBOUNDED },
    engines: [{ spec: engineSpecOf(ENGINE, 1), model: new EngineModel(ENGINE, PLAIN_ENGINE) }],
    engineOrder: "fcfs",
    queueWaitMsMax: Number.POSITIVE_INFINITY,
  };
}

test("a workload that comes one by one ends as one that is at hand, in any order", () => {
  const workflows = [...workload()].reverse();
  const kept = simulate({ ...settings(), workflows, estimator: createTruth(workflows) });
  const truth = createTruth();
  const ended: RunningWorkflow[] = [];
  simulateStream({
    ...settings(),
    workflows: truth.follow(workload()),
    estimator: truth,
    onWorkflow: (running) => ended.push(running),
  });
  const outcomes = outcomesOf({ workflows: ended });
  expect(outcomes).toHaveLength(200);
  expect(outcomesOf(kept).map(({ id }) => id)).toEqual(workflows.map(({ id }) => id));
  const byEnd = outcomesOf(kept).sort((a, b) => a.endMs - b.endMs);
  expect(outcomes.toSorted((a, b) => a.endMs - b.endMs)).toEqual(byEnd);
});

test("a workflow is asked for when the one before it has arrived, and forgotten when it ends", () => {
  const truth = createTruth();
  let asked = 0;
  let arrived = 0;
  function* counted(): Generator<PlayableWorkflow> {
    for (const workflow of workload()) {
      expect(asked++).toBeLessThanOrEqual(arrived + 1);
      yield workflow;
    }
  }
  const state = simulateStream({
    ...settings(),
    workflows: truth.follow(counted()),
    estimator: truth,
    onWorkflow: ({ workflow }) => truth.forget(workflow),
    observe: (event) => {
      if (event.type === "request-arrived" && event.stage === 0) arrived++;
    },
  });
  expect([asked, arrived]).toEqual([200, 200]);
  expect([state.requests.size, state.workflows.size, state.idle.size]).toEqual([0, 0, 0]);
});

test("a workload out of order is refused", () => {
  const workflows = [...workload()].reverse();
  const ended: RunningWorkflow[] = [];
  const onWorkflow = (running: RunningWorkflow): void => void ended.push(running);
  const estimator = createTruth(workflows);
  expect(() => simulateStream({ ...settings(), workflows, estimator, onWorkflow })).toThrow(
    "in order of arrival",
  );
  expect(ended).toEqual([]);
});
