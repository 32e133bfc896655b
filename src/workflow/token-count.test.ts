import { describe, expect, it } from "vitest";
import { mintRuns, stageMessages, type MintRun } from "../../test/workflow/mint-runs.ts";
import { readPrompt } from "./prompt.ts";
import { countPromptTokens, countTokens, vocabularyOf } from "./token-count.ts";

describe("countTokens", () => {
  it("counts nothing in an empty text and more in a longer one", () => {
    expect(countTokens("")).toBe(0);
    expect(countTokens("one two three four")).toBeGreaterThan(countTokens("one two three"));
  });

  it.each([
    ["Write a function to find the similar elements from the given two tuple lists.", 15],
    ["1234567890", 4],
    ["in 1987 and 5 more", 8],
    ["    return res\n", 5],
    ["日本語の文章です", 8],
  ])("is near the truth for %j", (text, tokens) => {
    expect(Math.abs(countTokens(text) - tokens)).toBeLessThanOrEqual(Math.ceil(tokens * 0.3));
  });

  it("reads parts of a very long text and comes within 2 % of the whole", () => {
    const paragraph = "The quick brown fox, aged 12, jumps over 345 lazy dogs.\n";
    const whole = 15 * countTokens(paragraph.repeat(200));
    expect(Math.abs(countTokens(paragraph.repeat(3000)) / whole - 1)).toBeLessThan(0.02);
  });

  it("gives small vocabularies more tokens", () => {
    const text = "def has_close_elements(numbers: List[float], threshold: float) -> bool:";
    expect(countTokens(text, "small")).toBeGreaterThan(countTokens(text, "large"));
  });
});

describe("vocabularyOf", () => {
  it.each([
    ["CodeLlama-13b-Instruct-hf", "small"],
    ["Llama-2-70b-chat-hf", "small"],
    ["Mixtral-8x7B-Instruct-v0.1", "small"],
    ["Meta-Llama-3-8B-Instruct", "large"],
    ["gpt-4-0613", "large"],
    ["anything", "large"],
  ])("%s: %s", (model, vocabulary) => {
    expect(vocabularyOf(model)).toBe(vocabulary);
  });
});

describe("countPromptTokens", () => {
  it("counts the parts of a chat and the parts beside its text", () => {
    const messages = [
      { role: "system", content: "You answer briefly." },
      { role: "user", content: "Name three primes." },
    ];
    const plain = countPromptTokens(readPrompt({ messages }));
    expect(plain.systemTokens + plain.userTokens).toBe(plain.promptTokens);
    const picture = { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } };
    const call = { id: "c1", type: "function", function: { name: "f", arguments: '{"a":1}' } };
    for (const more of [
      { messages: [...messages, { role: "user", content: [picture] }] },
      { messages: [...messages, { role: "assistant", content: null, tool_calls: [call] }] },
      { messages, tools: [{ type: "function", function: { name: "f" } }] },
    ]) {
      expect(countPromptTokens(readPrompt(more)).promptTokens).toBeGreaterThan(plain.promptTokens);
    }
  });

  it("takes the length of a prompt of token ids", () => {
    expect(countPromptTokens(readPrompt({ prompt: [[1, 2, 3], [4]] })).promptTokens).toBe(8);
    expect(countPromptTokens(readPrompt({})).promptTokens).toBe(0);
  });
});

describe.skipIf(mintRuns === null)("recorded runs of MINT (skipped without ../shared/data)", () => {
  const runs = (mintRuns ?? []).filter((run) => run.part === "valid" && isWhole(run));
  it.each([
    ["small", 0.038, 0.064],
    ["large", 0.026, 0.043],
  ] as const)("mean error per run, %s vocabularies", (vocabulary, promptMax, outputMax) => {
    const errors = runs
      .filter((run) => vocabularyOf(run.models.actor) === vocabulary)
      .map((run) => {
        const prompts = stageMessages(run).map(
          (messages) => countPromptTokens(readPrompt({ messages }), vocabulary).promptTokens,
        );
        const outputs = run.stages.map((stage) => countTokens(stage.out, vocabulary));
        return { prompt: errorOf(prompts, run.in_tok), output: errorOf(outputs, run.out_tok) };
      });
    expect(errors.length).toBeGreaterThan(300);
    expect(meanOf(errors.map((error) => error.prompt))).toBeLessThan(promptMax);
    expect(meanOf(errors.map((error) => error.output))).toBeLessThan(outputMax);
  });
});

/** Runs whose recorded text is complete and whose last call did not fail. */
function isWhole(run: MintRun): boolean {
  return run.end !== "error" && run.out_tok > 0 && run.stages.every((stage) => !stage.env_cut);
}

function errorOf(estimates: readonly number[], truth: number): number {
  return Math.abs(estimates.reduce((sum, tokens) => sum + tokens, 0) / truth - 1);
}

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
