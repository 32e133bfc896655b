import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { testSeed } from "../../test/seed.ts";
import type { StageFacts } from "../predict/port.ts";
import { identify } from "./identity.ts";
import { readPrompt } from "./prompt.ts";
import type { RequestHeaders } from "./request-headers.ts";
import { Sessions } from "./sessions.ts";
import { outputTokensMax, workflowFacts, type WorkflowFacts } from "./stage-facts.ts";

const LIMITS = { entriesMax: 100, idleMs: 1000 };

function factsOf(
  headers: RequestHeaders,
  body: unknown,
  textCharactersMax = 1000,
  sessions: Sessions = new Sessions(LIMITS),
): WorkflowFacts {
  const prompt = readPrompt(body);
  const identity = identify({ headers, body, prompt, keyScope: "a" });
  if ("problem" in identity) throw new Error(identity.problem);
  const arrival = sessions.arrive(identity, prompt, 0);
  return workflowFacts({ identity, arrival, prompt, body, pool: "chimera" }, textCharactersMax);
}

const MESSAGES = [
  { role: "system", content: "You are a careful solver." },
  { role: "user", content: "Find a prime above 100." },
  { role: "assistant", content: "It is 101." },
  { role: "user", content: "Find the next one." },
];

describe("workflowFacts", () => {
  it("are what a predictor reads", () => {
    const facts: StageFacts = factsOf(
      { "x-chimera-workflow-id": "w", "x-chimera-role": "solver", "x-chimera-calls-left": "2" },
      { messages: MESSAGES, max_tokens: 256 },
    );
    expect(facts).toMatchObject({
      role: "solver",
      stage: 0,
      pool: "chimera",
      outputTokensMax: 256,
      callsLeft: 2,
      expectedOutputTokens: null,
      producedTokens: [],
      text: {
        system: "You are a careful solver.",
        user: "Find a prime above 100.",
        recent: [
          { role: "assistant", content: "It is 101." },
          { role: "user", content: "Find the next one." },
        ],
      },
    });
    expect(facts.kind).toMatch(/^system-/);
    expect(facts.systemTokens + facts.userTokens).toBeLessThan(facts.promptTokens);
  });

  it("count the calls left from the calls of the whole workflow", () => {
    const sessions = new Sessions(LIMITS);
    const body = {
      messages: MESSAGES,
      nvext: { agent_hints: { prefix_id: "n", total_requests: 3 } },
    };
    const left = [0, 1, 2, 3].map(() => factsOf({}, body, 0, sessions).callsLeft);
    expect(left).toEqual([2, 1, 0, 0]);
  });

  it("keep no more text than the bound, the newest first", () => {
    const { text } = factsOf({}, { messages: MESSAGES }, 20);
    expect(text).toEqual({
      system: "You are a careful so",
      user: "Find a prime above 1",
      recent: [
        { role: "assistant", content: "It" },
        { role: "user", content: "Find the next one." },
      ],
    });
    expect(factsOf({}, { messages: MESSAGES }, 0).text).toBeNull();
  });

  it("read a plain prompt and a body of another kind", () => {
    expect(factsOf({}, { prompt: ["Say", "hello"] }).text?.user).toBe("Say\nhello");
    expect(factsOf({}, { system: "Be brief.", input: "Hello" }).text).toEqual({
      system: "Be brief.",
      user: "Hello",
      recent: [],
    });
    expect(factsOf({}, null)).toMatchObject({ kind: "unknown", promptTokens: 0, userTokens: 0 });
  });

  it(`never throw (seed ${testSeed})`, () => {
    const name = fc.constantFrom("messages", "prompt", "role", "content", "text", "tool_calls");
    const part = fc.dictionary(name, fc.jsonValue());
    const list = fc.array(fc.oneof(part, fc.jsonValue()));
    const body = fc.dictionary(name, fc.oneof(list, fc.jsonValue()));
    fc.assert(
      fc.property(body, fc.nat(50), (body, charactersMax) => {
        const { promptTokens } = factsOf({}, body, charactersMax);
        expect(Number.isSafeInteger(promptTokens)).toBe(true);
      }),
      { seed: testSeed, numRuns: 500 },
    );
  });
});

describe("outputTokensMax", () => {
  it.each([
    [{ max_tokens: 5 }, 5],
    [{ max_completion_tokens: 7, max_tokens: 5 }, 7],
    [{ max_output_tokens: 9 }, 9],
    [{ max_tokens: 0 }, null],
    [{ max_tokens: "5" }, null],
    [{ max_tokens: 1.5 }, null],
    [null, null],
  ])("%j", (body, limit) => {
    expect(outputTokensMax(body)).toBe(limit);
  });
});
