import { createRandom } from "../../src/core/random.ts";
import type { LengthExample } from "../../src/predict/length-training.ts";
import type { StageFacts } from "../../src/predict/port.ts";

const MODELS = ["small", "large"];
const WORDS = ["sum", "prove", "list", "graph", "prime", "angle", "parse", "sort"];

/**
 * Workflows made by chance: up to four stages; hard tasks ("prove") and the small model talk longer,
 * and a wrong answer brings another stage.
 */
export function madeExamples(workflowCount: number, seed: number): LengthExample[] {
  const random = createRandom(seed);
  const draw = <T>(items: readonly T[]): T | undefined =>
    items[Math.floor(random.next() * items.length)];
  return Array.from({ length: workflowCount }, (_, workflow) => {
    const model = draw(MODELS) ?? "";
    const words = Array.from({ length: 12 }, () => draw(WORDS) ?? "");
    const stageCount = 1 + Math.floor(random.next() * 4);
    const scale = (words.includes("prove") ? 300 : 60) * (model === "small" ? 2 : 1);
    const lengths = Array.from({ length: stageCount }, () =>
      Math.round(scale * (0.7 + 0.6 * random.next())),
    );
    return lengths.map((stageTokens, stage): LengthExample => ({
      facts: madeFacts(`w${workflow}`, words.join(" "), lengths.slice(0, stage)),
      model,
      remaining: lengths.slice(stage).reduce((sum, tokens) => sum + tokens, 0),
      stageTokens,
      group: words.join(" "),
    }));
  }).flat();
}

function madeFacts(workflowId: string, user: string, produced: readonly number[]): StageFacts {
  const recent = produced.flatMap((tokens, stage) => [
    { role: "assistant", content: "word ".repeat(tokens) },
    { role: "user", content: `Your answer is wrong. You have ${3 - stage} steps left.` },
  ]);
  return {
    workflowId,
    kind: "made",
    role: null,
    stage: produced.length,
    pool: "chimera",
    promptTokens: 20 + produced.reduce((sum, tokens) => sum + tokens, 0),
    systemTokens: 0,
    userTokens: 20,
    outputTokensMax: null,
    expectedOutputTokens: null,
    callsLeft: null,
    producedTokens: produced,
    text: { system: "", user, recent },
  };
}
