import type { LearnedFiles } from "../../src/predict/learned.ts";
import { trainLength } from "../../src/predict/length-training.ts";
import type { StageFacts } from "../../src/predict/port.ts";
import { trainRouter } from "../../src/predict/router-training.ts";

export function factsOf(user: string, more: Partial<StageFacts> = {}): StageFacts {
  return {
    workflowId: "w",
    kind: "k",
    role: "solver",
    stage: 0,
    pool: "chimera",
    promptTokens: user.length,
    systemTokens: 0,
    userTokens: user.length,
    outputTokensMax: null,
    expectedOutputTokens: null,
    callsLeft: null,
    producedTokens: [],
    text: { system: "", user, recent: [] },
    ...more,
  };
}

interface MadeCase {
  readonly facts: StageFacts;
  readonly isHard: boolean;
  readonly group: string;
}

/** Hard and easy prompts by turns, the first one hard. */
export const MADE_CASES: readonly MadeCase[] = Array.from({ length: 80 }, (_, index) => {
  const isHard = index % 2 === 0;
  const user = isHard ? `prove the theorem ${"very hard ".repeat(20)}` : `add ${index} and 2`;
  return { facts: factsOf(`${user} ${index}`), isHard, group: `p${index}` };
});

/** Small models of `small` and `large`: hard prompts make long answers and fail on the small one. */
export function makeLearnedFiles(seed = 1): LearnedFiles & {
  readonly length: Uint8Array;
  readonly router: Uint8Array;
} {
  const options = { seed, date: "2026-01-01", treeCount: 20 };
  const length = trainLength(
    MADE_CASES.flatMap(({ facts, isHard, group }) =>
      ["small", "large"].map((model) => {
        const tokens = isHard ? 900 : 90;
        return { facts, model, remaining: tokens, stageTokens: tokens, group };
      }),
    ),
    { recipe: "default", ...options },
  );
  const router = trainRouter(
    MADE_CASES.flatMap(({ facts, isHard, group }) => [
      { facts, model: "small", success: isHard ? 0 : 1, group },
      { facts, model: "large", success: 1, group },
    ]),
    options,
  );
  return { length, router, priors: {} };
}
