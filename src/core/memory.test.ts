import { expect, test } from "vitest";
import { AUTO, Bench, engine, estimate } from "../../test/core/fixture.ts";
import type { WorkflowMemory } from "./event.ts";
import { workflowMemories } from "./memory.ts";

const small = engine("small", "m", { maxSequences: 4 });
const large = engine("large", "n", { maxSequences: 4 });
const either = [estimate("m", 0.3, 10), estimate("n", 0.9, 10)];

/** A bench whose workflows a, b and c have had a stage each; that of c is open. */
function served(): Bench {
  const bench = new Bench([small, large], AUTO);
  for (const id of ["a", "b", "c"]) {
    bench.nowMs += 100;
    bench.arrive(`${id}-0`, either, { workflowId: id });
    if (id !== "c") bench.end(`${id}-0`);
  }
  return bench;
}

function restore(bench: Bench, memories: readonly WorkflowMemory[], timeMs: number): void {
  for (const memory of memories) {
    bench.apply({ ...memory, type: "workflow-restored", timeMs });
  }
}

test("a workflow goes on where it was: on its engine, with its counts", () => {
  const memories = workflowMemories(served().state, 10);
  expect(memories.map(({ workflowId }) => workflowId)).toEqual(["a", "b", "c"]);
  expect(memories[0]).toMatchObject({
    stages: 1,
    completedStages: 1,
    producedTokens: 10,
    models: ["n"],
    homes: [{ pool: "chimera", engine: "large", started: true }],
    context: { engine: "large", tokens: 20 },
  });
  const next = new Bench([small, large], AUTO);
  restore(next, memories, 300);
  next.nowMs = 400;
  // Now the other engine would be chosen, were the workflow a new one.
  const turned = [estimate("m", 0.9, 10), estimate("n", 0.3, 10)];
  next.arrive("a-1", turned, { workflowId: "a", stage: 1 });
  next.arrive("new", turned);
  expect(next.decisionOf("a-1")).toMatchObject({ rule: "sticky", engine: "large" });
  expect(next.decisionOf("new")).toMatchObject({ rule: "price", engine: "small" });
  next.end("a-1");
  next.apply({ type: "workflow-ended", timeMs: 400, workflowId: "a", score: null });
  expect(next.commands.findLast((each) => each.type === "record-workflow")).toMatchObject({
    workflowId: "a",
    arrivedMs: 100,
    stages: 2,
    outputTokens: 20,
  });
});

test("what is restored idles out in its time; an engine that is gone is no home", () => {
  const memories = workflowMemories(served().state, 2);
  expect(memories.map(({ workflowId }) => workflowId)).toEqual(["b", "c"]);
  const next = new Bench([small], AUTO, { workflowIdleMs: 1_000 });
  restore(next, memories, 300);
  next.arrive("b-1", either, { workflowId: "b", timeMs: 300 });
  expect(next.decisionOf("b-1")).toMatchObject({ rule: "only-candidate", engine: "small" });
  next.apply({ type: "time-passed", timeMs: 1_300 });
  expect([...next.state.workflows.keys()]).toEqual(["b"]);
});

test("more than there is room for is left out", () => {
  const next = new Bench([small], AUTO, { workflowsMax: 1 });
  restore(next, workflowMemories(served().state, 10), 300);
  expect([...next.state.workflows.keys()]).toEqual(["a"]);
});
