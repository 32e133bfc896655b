import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { engineSpecOf, readEngineFile } from "./engine-file.ts";

let folder = "";
let files = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "chimera-engines-"));
});
afterAll(() => rm(folder, { recursive: true }));

async function read(yaml: string): Promise<Awaited<ReturnType<typeof readEngineFile>>> {
  const file = join(folder, `engines-${files++}.yaml`);
  await writeFile(file, yaml);
  return readEngineFile(file);
}

test("a list and a mapping with engines say the same", async () => {
  const list = await read("- { name: e0, model: small, baseMs: 10, perSequenceMs: 2 }\n");
  const mapping = await read(
    "engines:\n  - { name: e0, model: small, baseMs: 10, perSequenceMs: 2 }\n",
  );
  expect(list.ok).toBe(true);
  expect(mapping).toEqual(list);
});

test("what is left out has a default; the profile is the step of a full batch", async () => {
  const result = await read("- { model: small, baseMs: 10, perSequenceMs: 2, maxSequences: 8 }\n");
  if (!result.ok) throw new Error(result.problems.join());
  const [engine] = result.engines;
  expect(engine).toMatchObject({
    name: "small-0",
    kvTokens: 100_000,
    chunkTokens: 2048,
    prefixCache: true,
    profileBatch: 8,
    profileMsPerToken: 26,
  });
  if (engine === undefined) throw new Error("one engine");
  expect(engineSpecOf(engine, 1)).toMatchObject({ overCommit: 1, queuePlace: "gateway" });
});

test("every mistake is told with its place", async () => {
  const result = await read(
    "- { model: small, baseMs: ten }\n- { baseMs: 5 }\n- { model: m, baseMs: 5, maxSequence: 4 }\n",
  );
  if (result.ok) throw new Error("three mistakes");
  const text = result.problems.join("\n");
  expect(text).toContain("0.baseMs");
  expect(text).toContain("1.model");
  expect(text).toContain("maxSequence");
});

test("engines without time, without a file, with one name twice, or none at all are refused", async () => {
  const still = await read("- { model: m, baseMs: 0 }\n");
  expect(still).toMatchObject({ ok: false });
  expect(
    await read("- { name: a, model: m, baseMs: 1 }\n- { name: a, model: m, baseMs: 1 }\n"),
  ).toMatchObject({ ok: false });
  expect(await read("[]\n")).toMatchObject({ ok: false });
  expect(await read("engines: {\n")).toMatchObject({ ok: false });
  expect(await readEngineFile(join(folder, "absent.yaml"))).toMatchObject({ ok: false });
});
