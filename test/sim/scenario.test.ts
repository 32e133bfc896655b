import { existsSync, readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseScenario, runScenario } from "../../src/sim/scenario.ts";

const folder = new URL("../../../shared/fixtures/scheduler/", import.meta.url);
const files = existsSync(folder)
  ? readdirSync(folder).filter((file) => file.endsWith(".json"))
  : [];
if (files.length === 0) process.stdout.write("scenarios skipped: ../shared/fixtures is absent\n");

describe.skipIf(files.length === 0)("recorded scenarios come out exactly", () => {
  test.each(files)("%s", (file) => {
    const value = JSON.parse(readFileSync(new URL(file, folder), "utf8"));
    const parsed = parseScenario(value);
    if (!parsed.ok) throw new Error(parsed.problems.join("\n"));
    const rows = runScenario(parsed.scenario).map(({ model: _model, ...row }) => row);
    expect(rows).toEqual(value.expect);
  });
});

test("a scenario with mistakes names them all", () => {
  expect(parseScenario({ engines: [], workflows: [{ id: "" }] })).toMatchObject({ ok: false });
  const result = parseScenario(null);
  expect(result.ok).toBe(false);
});
