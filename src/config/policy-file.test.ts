import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AUTO } from "../core/policies.ts";
import { isPolicyFile, readPolicyFile, type PolicyFileResult } from "./policy-file.ts";

let folder: string;
let written = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "chimera-policy-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function read(text: string): Promise<PolicyFileResult> {
  const file = join(folder, `policy-${written++}.mjs`);
  await writeFile(file, text);
  return readPolicyFile(file);
}

describe("a policy in a file", () => {
  it("keeps what it does not change of its base", async () => {
    const result = await read(
      `export default { name: "mine", settings: { ageScale: 5 }, priorityFor: (f) => f.stageTokens };`,
    );
    expect(result).toMatchObject({
      ok: true,
      name: "mine",
      policy: { ...AUTO, ageScale: 5, order: "own" },
    });
  });

  it("brings its choice, without the late choice that goes by auto's price", async () => {
    const result = await read(`export default { name: "mine", valueFor: (c) => c.confidence };`);
    expect(result).toMatchObject({ ok: true, policy: { choice: "own", lateChoiceRequestsMax: 0 } });
  });

  it.each([
    ["", "its default export"],
    [`export default { name: "x", valueFor: 3 };`, "valueFor: must be a function"],
    [`export default { name: "x" };`, "brings neither valueFor"],
    [`export default { name: "x", base: "best", valueFor: () => 1 };`, 'there is no policy "best"'],
    [`export default { name: "x", valueFor: () => 1, order: 3 };`, "order"],
    ["throw new Error('away');", "cannot be loaded: away"],
  ])("refuses %j", async (text, reason) => {
    const result = await read(text);
    expect(result.ok ? "" : result.message).toContain(reason);
  });

  it("says when there is no such file", async () => {
    const result = await readPolicyFile(join(folder, "absent.mjs"));
    expect(result.ok ? "" : result.message).toContain("cannot be loaded");
  });

  it("is told from a name", () => {
    expect(["auto", "./mine.ts", "mine.mjs", "auto-speed"].map(isPolicyFile)).toEqual([
      false,
      true,
      true,
      false,
    ]);
  });
});
