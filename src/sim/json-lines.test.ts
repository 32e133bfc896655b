import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { readJsonLines } from "./json-lines.ts";
import { readRuns } from "./run-file.ts";

const schema: z.ZodType<{ n: number }> = z.object({ n: z.number() });
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "chimera-lines-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function written(name: string, content: string | Buffer): Promise<string> {
  const file = join(folder, name);
  await writeFile(file, content);
  return file;
}

test("reads plain and gzipped files alike, empty lines left out", async () => {
  const text = '{"n":1}\n\n{"n":2}';
  const plain = await readJsonLines(await written("a.jsonl", text), schema);
  const zipped = await readJsonLines(await written("a.jsonl.gz", gzipSync(text)), schema);
  expect(plain).toEqual({ rows: [{ n: 1 }, { n: 2 }], problems: [] });
  expect(zipped).toEqual(plain);
});

test("tells each bad line, and reads the others", async () => {
  const file = await written("b.jsonl", '{"n":1}\n{"n":\n{"n":"x"}\n[]\n{"n":2}\n');
  const { rows, problems } = await readJsonLines(file, schema);
  expect(rows).toEqual([{ n: 1 }, { n: 2 }]);
  expect(problems.map(({ line }) => line)).toEqual([2, 3, 4]);
  expect(problems.every((problem) => problem.file === file)).toBe(true);
  expect(problems[0]?.message).toBe("is not JSON");
  expect(problems[1]?.message).toContain("n:");
});

test("counts the bad lines that it does not tell", async () => {
  const file = await written("c.jsonl", "x\n".repeat(50));
  const { problems } = await readJsonLines(file, schema);
  expect(problems).toHaveLength(21);
  expect(problems.at(-1)).toEqual({ file, line: 0, message: "30 more lines are not valid" });
});

test("a cut or false gzip is a problem, not an exception", async () => {
  // Lines that do not compress away, so that a part of them can be read before the cut.
  const lines = Array.from({ length: 5000 }, (_, n) => `{"n":${(n * 7919) % 104_729}}\n`).join("");
  const zipped = gzipSync(lines);
  const cut = await readJsonLines(
    await written("cut.jsonl.gz", zipped.subarray(0, zipped.length / 2)),
    schema,
  );
  expect(cut.problems.map(({ line }) => line)).toContain(0);
  const plain = await readJsonLines(await written("plain.jsonl.gz", '{"n":1}\n'), schema);
  expect(plain).toMatchObject({ rows: [], problems: [{ line: 0 }] });
});

test("a run must be of version 1, with a reward of 0..1 and a stage at least", async () => {
  const run = {
    v: 1,
    dataset: "d",
    task_id: "t",
    workflow: "w",
    models: { solver: "m" },
    reward: 1,
    stages: [{ model: "m", out_tok: 5 }],
  };
  const wrong = [{ v: 2 }, { reward: 1.5 }, { stages: [] }, { task_id: "" }];
  const lines = [run, ...wrong.map((part) => ({ ...run, ...part }))];
  const file = await written("runs.jsonl", lines.map((line) => JSON.stringify(line)).join("\n"));
  const { rows, problems } = await readRuns(file);
  expect(rows).toHaveLength(1);
  expect(rows[0]).toMatchObject({ part: "valid", trial: 0, template: null });
  expect(rows[0]?.stages[0]).toMatchObject({ role: null, out_tok: 5, out: "", env: "" });
  expect(problems.map(({ line, message }) => [line, message.split(":")[0]])).toEqual([
    [2, "v"],
    [3, "reward"],
    [4, "stages"],
    [5, "task_id"],
  ]);
});
