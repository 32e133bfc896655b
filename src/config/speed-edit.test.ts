import { expect, test } from "vitest";
import { parseConfig } from "./load.ts";
import { withEngineSpeed } from "./speed-edit.ts";

const SPEED = { baseMs: 2, perSequenceMs: 0.1, perKvTokenMs: 0.0001, perPromptTokenMs: 0.02 };
const SOURCES = { file: "test", environment: {}, flags: {} };

test("the speed of one engine is set; comments and all else stay", () => {
  const text = `# our cluster
engines:
  - url: http://127.0.0.1:8001/v1 # the small one
    model: small
  - url: http://127.0.0.1:8002/v1
    model: large
    speed:
      baseMs: 9 # measured in spring
`;
  const first = withEngineSpeed(text, 0, SPEED) ?? "";
  const both = withEngineSpeed(first, 1, { ...SPEED, baseMs: 3 }) ?? "";
  for (const comment of ["# our cluster", "# the small one", "# measured in spring"]) {
    expect(both).toContain(comment);
  }
  const parsed = parseConfig(both, SOURCES);
  expect(parsed.ok && parsed.config.engines.map(({ speed }) => speed)).toEqual([
    SPEED,
    { ...SPEED, baseMs: 3 },
  ]);
});

test("an engine that is not written out by itself is left alone", () => {
  expect(withEngineSpeed("engines:\n  - &a { model: m }\n  - *a\n", 1, SPEED)).toBeNull();
  expect(withEngineSpeed("engines: 3", 0, SPEED)).toBeNull();
  expect(withEngineSpeed("engines: [", 0, SPEED)).toBeNull();
});
