import { expect, test } from "vitest";
import type { StageFacts } from "../predict/port.ts";
import type { RouterExample } from "../predict/router-cases.ts";
import { createNeighbourRouter } from "./neighbour-router.ts";

const WORDS = {
  sums: "add these numbers carefully and give their total amount",
  poems: "write gentle verses about rivers mountains and quiet evenings",
};

function factsOf(user: string): StageFacts {
  return {
    workflowId: "w",
    kind: "kind",
    role: null,
    stage: 0,
    pool: "chimera",
    promptTokens: 10,
    systemTokens: 0,
    userTokens: 10,
    outputTokensMax: null,
    expectedOutputTokens: null,
    callsLeft: null,
    producedTokens: [],
    text: { system: "", user, recent: [] },
  };
}

/** Model `a` solves sums and no poems, `b` the other way round. */
const examples = Array.from({ length: 30 }, (_, index) => index).flatMap((index): RouterExample[] =>
  (["sums", "poems"] as const).flatMap((topic) =>
    ["a", "b"].map((model) => ({
      facts: factsOf(`${WORDS[topic]} case ${index}`),
      model,
      success: (topic === "sums") === (model === "a") ? 1 : 0,
      group: `${topic}${index}`,
    })),
  ),
);

test("a model does as well as it did on the nearest tasks, leaning on its rate", () => {
  const router = createNeighbourRouter(examples);
  const [a, b] = router?.confidence(factsOf(`${WORDS.sums} now`), ["a", "b"]) ?? [];
  expect(a?.confidence).toBeCloseTo((10 + 5 * 0.5) / 15, 2);
  expect(b?.confidence).toBeCloseTo((5 * 0.5) / 15, 2);
});

test("without text it is the rate, and a model without outcomes is not judged", () => {
  const router = createNeighbourRouter(examples);
  const [a, unknown] = router?.confidence({ ...factsOf(""), text: null }, ["a", "x"]) ?? [];
  expect(a?.confidence).toBeCloseTo(0.5, 2);
  expect(unknown).toMatchObject({ confidence: 0.5, source: "neighbours-prior(n=0)" });
});

test("texts without a word in common give no router", () => {
  const strange = ["alpha", "bravo"].map((user, index) => ({
    facts: factsOf(user),
    model: "a",
    success: 1,
    group: `g${index}`,
  }));
  expect(createNeighbourRouter(strange)).toBeNull();
});
