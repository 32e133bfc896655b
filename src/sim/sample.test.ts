import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { countTokens } from "../workflow/token-count.ts";
import { recordedWorkload } from "./recorded-workload.ts";
import { readRuns, readTasks } from "./run-file.ts";
import { SAMPLE_FILES, sampleTexts, SHIPPED_SAMPLE, writeSample } from "./sample.ts";

const SHIPPED = fileURLToPath(new URL("../../samples/", import.meta.url));
const SAMPLE_BYTES_MAX = 300_000;

const shipped = (name: string): string => join(SHIPPED, name);

describe("the shipped sample", () => {
  // What gzip makes of a text depends on the zlib that Node was built with; the text does not.
  test("is made again from its seed, byte for byte under the compression", async () => {
    const made = sampleTexts(SHIPPED_SAMPLE);
    for (const [kind, name] of Object.entries(SAMPLE_FILES)) {
      const bytes = gunzipSync(await readFile(shipped(name)));
      expect(bytes.equals(Buffer.from(kind === "runs" ? made.runs : made.tasks)), name).toBe(true);
    }
  });

  test("is small", async () => {
    const sizes = await Promise.all(
      Object.values(SAMPLE_FILES).map(async (name) => (await stat(shipped(name))).size),
    );
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(SAMPLE_BYTES_MAX);
  });

  test("reads as a workload that every model can play, and teaches", async () => {
    const runs = await readRuns(shipped(SAMPLE_FILES.runs));
    const tasks = await readTasks(shipped(SAMPLE_FILES.tasks));
    expect([runs.problems, tasks.problems]).toEqual([[], []]);
    const models = [...new Set(runs.rows.flatMap((run) => Object.values(run.models)))];
    expect(models).toHaveLength(6);
    const texts = { tasks: tasks.rows, templates: [] };
    const options = { models, parts: null, externalMsPerToken: 20 };
    const { workflows, training, unusable } = recordedWorkload(runs.rows, texts, options);
    expect(unusable).toEqual({ withoutLengths: 0, notOnAllModels: 0 });
    expect(workflows.length * 6 + training.length).toBe(runs.rows.length);
    expect(workflows.length).toBeGreaterThan(60);
    expect(new Set(workflows.map((workflow) => workflow.kind)).size).toBe(6);
    expect(workflows.every((workflow) => workflow.user !== "")).toBe(true);
  });

  test("says as many tokens as it counts, within a sentence", async () => {
    const runs = await readRuns(shipped(SAMPLE_FILES.runs));
    for (const stage of runs.rows.flatMap((run) => run.stages)) {
      const excess = countTokens(stage.out) - (stage.out_tok ?? 0);
      expect(Math.abs(excess)).toBeLessThan(40 + 0.1 * (stage.out_tok ?? 0));
    }
  });

  test("keeps a problem's text in one part", async () => {
    const parts = new Map<string, string>();
    const tasks = await readTasks(shipped(SAMPLE_FILES.tasks));
    const prompts = new Map(tasks.rows.map((task) => [task.task_id, task.prompt]));
    for (const run of (await readRuns(shipped(SAMPLE_FILES.runs))).rows) {
      const prompt = prompts.get(run.task_id) ?? "";
      expect(parts.get(prompt) ?? run.part).toBe(run.part);
      parts.set(prompt, run.part);
    }
    expect(new Set(parts.values())).toEqual(new Set(["train", "valid"]));
  });
});

test("a larger sample begins with the smaller one's problems", () => {
  const few = sampleTexts({ problems: 3, domains: ["math"], seed: 9 });
  const more = sampleTexts({ problems: 5, domains: ["math"], seed: 9 });
  expect(more.runs.startsWith(few.runs)).toBe(true);
  expect(more.tasks.startsWith(few.tasks)).toBe(true);
  expect(sampleTexts({ problems: 3, domains: ["math"], seed: 10 }).runs).not.toBe(few.runs);
});

test("harder problems are told in more words, but not reliably so", () => {
  const { tasks, runs } = sampleTexts({ problems: 400, domains: ["code", "math"], seed: 5 });
  const solvedBy = new Map<string, number>();
  for (const line of runs.trim().split("\n")) {
    const run: { task_id: string; reward: number } = JSON.parse(line);
    solvedBy.set(run.task_id, (solvedBy.get(run.task_id) ?? 0) + run.reward);
  }
  const points = tasks
    .trim()
    .split("\n")
    .map((line) => {
      const task: { task_id: string; prompt: string } = JSON.parse(line);
      return [task.prompt.length, solvedBy.get(task.task_id) ?? 0] as const;
    });
  const seen = correlation(points);
  expect(seen).toBeLessThan(-0.15);
  expect(seen).toBeGreaterThan(-0.7);
});

test("writes a sample into a new folder", async () => {
  const parent = await mkdtemp(join(tmpdir(), "chimera-sample-"));
  try {
    const folder = join(parent, "made");
    const options = { problems: 2, domains: ["code"], seed: 3 } as const;
    await writeSample(folder, options);
    const bytes = gunzipSync(await readFile(join(folder, SAMPLE_FILES.runs)));
    expect(bytes.toString()).toBe(sampleTexts(options).runs);
  } finally {
    await rm(parent, { recursive: true });
  }
});

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function correlation(points: readonly (readonly [number, number])[]): number {
  const xMean = mean(points.map(([x]) => x));
  const yMean = mean(points.map(([, y]) => y));
  const covariance = mean(points.map(([x, y]) => (x - xMean) * (y - yMean)));
  const xSquare = mean(points.map(([x]) => (x - xMean) ** 2));
  const ySquare = mean(points.map(([, y]) => (y - yMean) ** 2));
  return covariance / Math.sqrt(xSquare * ySquare);
}
