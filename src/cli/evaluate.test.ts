import { mkdtemp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { evaluate, type EvaluateFlags } from "./evaluate.ts";

const TEXT = `
name: tiny
title: A tiny one
about: Two models.
view: paper
workloads:
  - name: code
    models: [Qwen2.5-1.5B-Instruct, Qwen2.5-14B-Instruct]
    generated: { domain: code, problems: 30 }
engines:
  Qwen2.5-1.5B-Instruct: { baseMs: 5, perSequenceMs: 0.1, kvTokens: 30000 }
  Qwen2.5-14B-Instruct: { baseMs: 40, perSequenceMs: 0.2, kvTokens: 30000 }
batchLimits: [32]
arrivals: poisson
callsPerSecond: [30]
workflows: 40
seeds: [1, 2, 3]
baseline: balancer
policies: [balancer, paper, auto]
quick: { seeds: [1, 2] }
`;

let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "chimera-evaluate-"));
  await mkdir(join(folder, "experiments"));
  await writeFile(join(folder, "experiments", "tiny.yaml"), TEXT);
});
afterAll(() => rm(folder, { recursive: true }));

const said: string[] = [];
const printer = {
  out: (line: string) => void said.push(line),
  say: (line: string) => void said.push(line),
  progress: () => undefined,
};

function flags(changes: Partial<EvaluateFlags>): EvaluateFlags {
  return {
    quick: true,
    experiments: join(folder, "experiments"),
    only: [],
    data: folder,
    page: join(folder, "evaluation.md"),
    results: undefined,
    threads: 1,
    ...changes,
  };
}

test("writes page, figures and results, and the same page again from the results", async () => {
  const results = join(folder, "results.jsonl");
  expect(await evaluate(flags({ results }), printer)).toBe(0);
  const lines = (await readFile(results, "utf8")).trimEnd().split("\n");
  expect(lines).toHaveLength(2 * 3);
  const page = await readFile(join(folder, "evaluation.md"), "utf8");
  for (const [, figure = ""] of page.matchAll(/\]\((figures\/[^)]+)\)/g)) {
    expect(await readFile(join(folder, figure), "utf8")).toContain("</svg>");
  }
  const again = join(folder, "again.md");
  expect(await evaluate(flags({ page: again, from: [results] }), printer)).toBe(0);
  expect(await readFile(again, "utf8")).toBe(page);

  await writeFile(results, `${lines.slice(1).join("\n")}\n`);
  expect(await evaluate(flags({ page: again, from: [results] }), printer)).toBe(0);
  expect(await readFile(again, "utf8")).toContain("Not run: 1 of its 6 runs are missing.");
});

test("says what is wrong and runs nothing", async () => {
  said.length = 0;
  expect(await evaluate(flags({ only: ["other"] }), printer)).toBe(2);
  expect(said.join("\n")).toContain('no experiment "other"');
  expect(await evaluate(flags({ experiments: join(folder, "none") }), printer)).toBe(2);
  expect(await evaluate(flags({ from: [join(folder, "none.jsonl")] }), printer)).toBe(2);
});
