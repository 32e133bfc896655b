import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { AUTO, POLICIES } from "../core/policies.ts";
import { coreConfigOf } from "./core-config.ts";
import { loadConfig, parseConfig, type ConfigResult } from "./load.ts";
import type { ConfigFlags } from "./overrides.ts";
import { formatProblem } from "./problem.ts";

const ENGINES = "engines: [{ url: http://127.0.0.1:8001/v1, model: small }]\n";
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "chimera-own-policy-"));
  const text = `export default { name: "mine", base: "auto-quality", priorityFor: () => 1 };`;
  await writeFile(join(folder, "mine.mjs"), text);
});
afterAll(() => rm(folder, { recursive: true }));

async function load(policy: string, flags: ConfigFlags = {}): Promise<ConfigResult> {
  const file = join(folder, "chimera.yaml");
  await writeFile(file, ENGINES + policy);
  return loadConfig({ file, environment: {}, flags });
}

async function problems(policy: string, flags: ConfigFlags = {}): Promise<string> {
  const result = await load(policy, flags);
  return result.ok ? "" : result.problems.map(formatProblem).join("\n").replaceAll(folder, "F");
}

describe("the policy of a config", () => {
  it("comes from a file in the config's folder", async () => {
    const result = await load("policy: { file: mine.mjs }");
    expect(result).toMatchObject({
      ok: true,
      config: {
        policy: {
          ...POLICIES["auto-quality"],
          order: "own",
          own: { priorityFor: expect.any(Function) },
          file: join(folder, "mine.mjs"),
        },
      },
    });
  });

  it("keeps the price's numbers that stand beside the file", async () => {
    const result = await load("policy: { file: mine.mjs, price: 0.3, slack: 2 }");
    const policy = { price: 0.3, slack: 2, minGain: 0.1 };
    expect(result).toMatchObject({ ok: true, config: { policy } });
  });

  it("says nothing else beside the file", async () => {
    expect(await problems("policy: { file: mine.mjs, choice: paper, ageScale: 5 }")).toBe(
      "F/chimera.yaml:2:27: policy.choice: cannot stand beside policy.file; put it into that file (base, settings)\n" +
        "F/chimera.yaml:2:42: policy.ageScale: cannot stand beside policy.file; put it into that file (base, settings)",
    );
  });

  it("says where a file is named that is no policy", async () => {
    expect(await problems("policy: { file: absent.mjs }")).toMatch(
      /^F\/chimera.yaml:2:17: policy.file: F\/absent.mjs: cannot be loaded: /,
    );
  });

  it("is replaced whole by a name of the command line", async () => {
    const flags = { policy: "paper-own-work", order: "fcfs" };
    const result = await load("policy: { file: mine.mjs, price: 0.3 }", flags);
    const policy = { ...POLICIES["paper-own-work"], order: "fcfs" };
    expect(result.ok && result.config.policy).toEqual(policy);
  });

  it("is replaced by a file of the command line, from the working directory", async () => {
    const policy = relative(process.cwd(), join(folder, "mine.mjs"));
    const result = await load("policy: { choice: paper }", { policy, price: "0.5" });
    const expected = { choice: AUTO.choice, order: "own", price: 0.5, file: policy };
    expect(result).toMatchObject({ ok: true, config: { policy: expected } });
    expect(await problems("", { policy, choice: "paper" })).toBe(
      "flag --choice: policy.choice: cannot stand beside policy.file; put it into that file (base, settings)",
    );
  });

  it("is named as the table names it", async () => {
    expect(await problems("", { policy: "best" })).toMatch(
      /^flag --policy: there is no policy "best"; there are auto, .*, or give the path of a file$/,
    );
    expect(await problems("", { policy: "./absent.mjs" })).toMatch(/^flag --policy: policy.file: /);
  });

  it("is not served before its file is loaded", () => {
    const text = `${ENGINES}policy: { file: mine.mjs }`;
    const parsed = parseConfig(text, { file: "chimera.yaml", environment: {}, flags: {} });
    if (!parsed.ok) throw new Error("refused");
    expect(() => coreConfigOf(parsed.config)).toThrow("mine.mjs is not loaded; use loadConfig");
  });
});
