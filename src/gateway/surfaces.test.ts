import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { testSeed } from "../../test/seed.ts";
import { isObject } from "./inbound.ts";
import type { Pool } from "./models.ts";
import { SURFACES } from "./surfaces.ts";

const pool: Pool = {
  name: "m",
  isVirtual: false,
  candidates: ["m"],
  knobs: null,
  hasResponses: false,
};

/** Words of the APIs, so that random bodies get past the first checks. */
const word = fc.constantFrom(
  "user",
  "assistant",
  "system",
  "text",
  "input_text",
  "image",
  "tool_use",
  "tool_result",
  "function",
  "function_call",
  "function_call_output",
  "reasoning",
  "thinking",
  "custom",
  "base64",
);

const key = fc.constantFrom(
  "type",
  "role",
  "content",
  "text",
  "source",
  "input",
  "name",
  "id",
  "call_id",
  "tool_use_id",
  "arguments",
  "output",
  "__proto__",
);

const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    word,
    fc.constantFrom(null, true, 0, 1.5, ""),
    fc.array(tie("value"), { maxLength: 3 }),
    fc.dictionary(key, tie("value"), { maxKeys: 5 }),
  ),
}));

const body = fc.record(
  {
    model: fc.constant("m"),
    max_tokens: fc.constant(8),
    messages: value,
    input: value,
    prompt: value,
    system: value,
    instructions: value,
    tools: value,
    tool_choice: value,
    output_config: value,
    text: value,
    stream: fc.boolean(),
  },
  { requiredKeys: ["model", "max_tokens"] },
);

describe.each([...SURFACES])("%s", (_path, surface) => {
  test("takes any JSON: plans an object for the engine, or says what is wrong", () => {
    fc.assert(
      fc.property(body, (request) => {
        const parsed = surface.parse(Buffer.from(JSON.stringify(request)));
        const planned = parsed.ok ? surface.plan(parsed.inbound, pool) : parsed;
        const told: unknown = planned.ok
          ? JSON.parse(planned.plan.bytes.toString("utf8"))
          : surface.errors.body(planned.error);
        expect(isObject(told) && (!planned.ok || told["model"] === "m")).toBe(true);
      }),
      { seed: testSeed, numRuns: 300 },
    );
  });

  test("tells an error's request in a header", () => {
    expect(surface.errors.idHeaders).toContain("x-request-id");
  });
});
