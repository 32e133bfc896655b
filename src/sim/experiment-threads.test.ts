import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { comparisonsOf, windowsOf } from "./experiment-comparison.ts";
import { parseExperiment, readExperiment } from "./experiment-file.ts";
import type { Experiment } from "./experiment.ts";
import { runExperiment } from "./experiment-threads.ts";

const TEXT = `
name: tiny
title: A tiny one
about: Two models.
view: comparison
workloads:
  - name: code
    models: [Qwen2.5-1.5B-Instruct, Qwen2.5-14B-Instruct]
    generated: { domain: code, problems: 40 }
engines:
  Qwen2.5-1.5B-Instruct: { baseMs: 5, perSequenceMs: 0.1, kvTokens: 30000 }
  Qwen2.5-14B-Instruct: { baseMs: 40, perSequenceMs: 0.2, kvTokens: 30000 }
batchLimits: [32]
arrivals: poisson
callsPerSecond: [30]
workflows: 60
seeds: [1, 2]
baseline: balancer
policies: [balancer, auto]
`;

function tiny(change: (text: string) => string = (text) => text): Experiment {
  const result = parseExperiment(change(TEXT), "tiny.yaml", false);
  if (!result.ok) throw new Error(result.problems.join("\n"));
  return result.experiment;
}

const run = (experiment: Experiment, threads: number) =>
  runExperiment(experiment, {
    dataFolder: "nowhere",
    threads,
    learned: {},
    progress: () => undefined,
  });

test("results do not depend on the number of threads and compare inside windows", async () => {
  const experiment = tiny();
  const [alone, spread] = await Promise.all([run(experiment, 1), run(experiment, 2)]);
  expect(spread).toEqual(alone);
  expect(alone.map(({ policy, seed }) => [policy, seed])).toEqual([
    ["balancer", 1],
    ["auto", 1],
    ["balancer", 2],
    ["auto", 2],
  ]);
  expect(JSON.parse(JSON.stringify(alone))).toEqual(alone);
  const windows = windowsOf(alone);
  expect(windows.map((window) => window.seed)).toEqual([1, 2]);
  for (const same of comparisonsOf(windows, "balancer", "balancer"))
    expect(same).toMatchObject({ speed: 1, points: 0, p95Speed: 1 });
  expect(comparisonsOf(windows, "auto", "balancer")).toHaveLength(2);
});

test("an error in a thread is told", async () => {
  const recorded = "recorded: { runs: no.jsonl, tasks: no.jsonl }";
  const absent = tiny((text) => text.replace(/generated: .*/, recorded));
  await expect(run(absent, 2)).rejects.toThrow("no.jsonl");
});

test("a policy in a file runs in threads under the name that it gives itself", async () => {
  const folder = await mkdtemp(join(tmpdir(), "chimera-experiment-"));
  try {
    const largest = `({ model }) => (model === "Qwen2.5-14B-Instruct" ? 1 : 0)`;
    await writeFile(
      join(folder, "mine.mjs"),
      `export default { name: "largest", settings: { assign: "stage" }, valueFor: ${largest} };`,
    );
    const write = async (policies: string): Promise<string> => {
      const file = join(folder, "own.yaml");
      await writeFile(file, TEXT.replace("policies: [balancer, auto]", `policies: ${policies}`));
      return file;
    };
    const swept = "{ policy: ./mine.mjs, label: swept, sweep: { ageScale: [5, 20] } }";
    const file = await write(`[balancer, ./mine.mjs, ${swept}]`);
    const read = await readExperiment(file, false);
    if (!read.ok) throw new Error(read.problems.join("\n"));
    const results = await run(read.experiment, 2);
    expect([...new Set(results.map(({ policy }) => policy))]).toEqual([
      "balancer",
      "largest",
      "swept ageScale 5",
      "swept ageScale 20",
    ]);
    const speedOf = (name: string): number =>
      results.find(({ policy }) => policy === name)?.report.msPerToken?.mean ?? 0;
    expect(speedOf("largest")).toBeGreaterThan(speedOf("balancer"));

    const absent = await readExperiment(await write("[balancer, ./absent.mjs]"), false);
    expect(absent.ok ? [] : absent.problems).toEqual([expect.stringContaining("cannot be loaded")]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
