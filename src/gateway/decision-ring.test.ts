import { expect, test } from "vitest";
import { DecisionRing, type RequestTrace } from "./decision-ring.ts";

function trace(requestId: string, scope = "a"): RequestTrace {
  return {
    requestId,
    workflowId: "w",
    shownWorkflowId: "w",
    scope,
    decision: null,
    dispatchedMs: null,
    record: null,
  };
}

test("forgets the oldest request first", () => {
  const ring = new DecisionRing(2);
  for (const id of ["1", "2", "1", "3"]) ring.add(trace(id));
  expect(ring.find("2", "a")).toBeUndefined();
  expect(ring.find("1", "a")?.requestId).toBe("1");
  expect(ring.find("3", "a")?.requestId).toBe("3");
});

test("shows a request only to the key that made it", () => {
  const ring = new DecisionRing(2);
  ring.add(trace("1", "a"));
  expect(ring.find("1", "b")).toBeUndefined();
});
