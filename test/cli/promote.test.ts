import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

import { promote, type PromoteFlags } from "../../src/cli/promote.ts";
import { replaceFile } from "../../src/cli/replace-file.ts";
import { createRandom } from "../../src/core/random.ts";
import { trainLength } from "../../src/predict/length-training.ts";
import { lengthExamples } from "../../src/sim/length-examples.ts";
import type { Run } from "../../src/sim/run-file.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "promote-"));
});
afterEach(() => rm(folder, { recursive: true }));

/** Runs of one stage, whose length is its kind's, times noise. */
function runsOf(count: number, tokensByKind: Readonly<Record<string, number>>, seed = 1): Run[] {
  const random = createRandom(seed);
  const kinds = Object.keys(tokensByKind);
  return Array.from({ length: count }, (_, index): Run => {
    const kind = kinds[index % kinds.length] ?? "";
    const tokens = Math.round((tokensByKind[kind] ?? 1) * (0.8 + 0.4 * random.next()));
    return {
      v: 1,
      dataset: "d",
      subset: "",
      task_id: `t${index}`,
      workflow: kind,
      models: { agent: "m" },
      trial: 0,
      reward: 1,
      part: "train",
      template: null,
      stages: [
        { role: null, model: "m", in_chars: 40, in_tok: 10, out_tok: tokens, out: "", env: "" },
      ],
    };
  });
}

function modelOf(runs: readonly Run[]): Uint8Array {
  const { examples } = lengthExamples(runs, { tasks: [], templates: [] }, null);
  return trainLength(examples, { recipe: "default", seed: 1, date: "test", treeCount: 10 });
}

async function promoted(
  runs: readonly Run[],
  changes: Partial<PromoteFlags> = {},
): Promise<{ code: number; lines: string[]; current: string }> {
  const file = join(folder, "runs.jsonl");
  const current = join(folder, "length.model");
  await writeFile(file, runs.map((run) => `${JSON.stringify(run)}\n`).join(""));
  const lines: string[] = [];
  const say = (line: string): void => void lines.push(line);
  const flags: PromoteFlags = {
    what: "length",
    runs: [file],
    tasks: [],
    templates: undefined,
    traces: undefined,
    recipe: "default",
    trees: 10,
    parts: ["train"],
    seed: 1,
    current,
    ...changes,
  };
  const code = await promote(flags, { out: say, say, progress: () => undefined });
  return { code, lines, current };
}

const NOW = { short: 50, middle: 300, long: 2000 };
const ONCE = { short: 2000, middle: 300, long: 50 };

describe("train --promote", () => {
  test("a model that is better on the newest runs takes the place, the old one stays beside it", async () => {
    const old = modelOf(runsOf(90, ONCE));
    await writeFile(join(folder, "length.model"), old);
    const { code, lines, current } = await promoted(runsOf(150, NOW));
    expect(code).toBe(0);
    expect(lines.join("\n")).toContain("promoted");
    expect(new Uint8Array(await readFile(`${current}.previous`))).toEqual(new Uint8Array(old));
    expect(new Uint8Array(await readFile(current))).not.toEqual(new Uint8Array(old));
  });

  test("a model that is not better leaves everything as it is, and says so", async () => {
    const old = modelOf(runsOf(300, NOW, 2));
    await writeFile(join(folder, "length.model"), old);
    const { code, lines, current } = await promoted(runsOf(60, NOW));
    expect(code).toBe(3);
    expect(lines.join("\n")).toContain("kept");
    expect(new Uint8Array(await readFile(current))).toEqual(new Uint8Array(old));
    expect((await readdir(folder)).toSorted()).toEqual(["length.model", "runs.jsonl"]);
  });

  test("the first model, and one in the place of a damaged file, is promoted with the reason", async () => {
    const first = await promoted(runsOf(60, NOW));
    expect(first.code).toBe(0);
    expect(await readdir(folder)).not.toContain("length.model.previous");
    await writeFile(first.current, "damaged");
    const second = await promoted(runsOf(60, NOW));
    expect(second.code).toBe(0);
    expect(second.lines.join("\n")).toContain("no model in use to compare with");
    expect(await readFile(`${second.current}.previous`, "utf8")).toBe("damaged");
  });

  test("too few runs, and a store that is not there, change nothing", async () => {
    expect((await promoted(runsOf(12, NOW))).code).toBe(2);
    expect((await promoted(runsOf(60, NOW), { traces: join(folder, "none.db") })).code).toBe(2);
    expect(await readdir(folder)).toEqual(["runs.jsonl"]);
  });

  test("a router is judged by the Brier score", async () => {
    const random = createRandom(5);
    const runs = runsOf(200, NOW).map((run) => ({
      ...run,
      reward: random.next() < (run.workflow === "long" ? 0.1 : 0.9) ? 1 : 0,
    }));
    const tasks = join(folder, "tasks.jsonl");
    const lines = runs.map(({ task_id, workflow }) => ({
      task_id,
      prompt: `${workflow} ${task_id}`,
    }));
    await writeFile(tasks, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
    const flags = { what: "router", tasks: [tasks], trees: undefined } as const;
    const wrong = runs.map((run) => ({ ...run, reward: 1 - run.reward }));
    expect((await promoted(wrong, flags)).code).toBe(0);
    const { code, lines: said } = await promoted(runs, flags);
    expect(said.join("\n")).toContain("Brier score");
    expect(code).toBe(0);
  });
});

test("a file that cannot be replaced stays, and nothing is left beside it", async () => {
  const path = join(folder, "none", "length.model");
  await expect(replaceFile(path, new Uint8Array(3))).rejects.toThrow("ENOENT");
  expect(await readdir(folder)).toEqual([]);
});
