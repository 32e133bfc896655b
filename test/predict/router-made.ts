import { createRandom } from "../../src/core/random.ts";
import type { RouterExample } from "../../src/predict/router-cases.ts";
import type { StageFacts } from "../../src/predict/port.ts";

const WORDS = ["sum", "list", "graph", "prime", "angle", "parse", "sort", "count", "merge", "fold"];
/** The start that all tasks of one kind share. */
export const TEMPLATE: string = `${"You solve tasks step by step. ".repeat(12)}Task: `;

/**
 * Tasks made by chance, each on a small and a large model: tasks with "prove" are hard, and the large
 * model is better; half of the tasks stand in a template of the kind "filled", where all is easier.
 */
export function madeRouterExamples(taskCount: number, seed: number): RouterExample[] {
  const random = createRandom(seed);
  const draw = <T>(items: readonly T[]): T | undefined =>
    items[Math.floor(random.next() * items.length)];
  return Array.from({ length: taskCount }, () => {
    const words = Array.from({ length: 10 }, () => draw(WORDS) ?? "");
    const isHard = random.next() < 0.5;
    const isFilled = random.next() < 0.5;
    const task = `${words.join(" ")}${isHard ? " prove" : ""} ${Math.floor(1e6 * random.next())}?`;
    const facts = madeRouterFacts(
      isFilled ? "filled" : "unknown",
      isFilled ? `${TEMPLATE}${task}` : task,
    );
    return ["small", "large"].map((model): RouterExample => {
      const rate = (isHard ? 0.2 : 0.7) + (model === "large" ? 0.15 : 0) + (isFilled ? 0.1 : 0);
      return { facts, model, success: Number(random.next() < rate), group: task };
    });
  }).flat();
}

export function madeRouterFacts(kind: string, user: string): StageFacts {
  return {
    workflowId: "w",
    kind,
    role: null,
    stage: 0,
    pool: "chimera",
    promptTokens: 100,
    systemTokens: 0,
    userTokens: 100,
    outputTokensMax: null,
    expectedOutputTokens: null,
    callsLeft: null,
    producedTokens: [],
    text: { system: "", user, recent: [] },
  };
}
