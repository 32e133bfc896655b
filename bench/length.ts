/**
 * What the length predictor costs on the recorded runs: training, loading, the size of the file, and
 * microseconds a stage. What its predictions are worth is told by `chimera eval length`.
 *
 *     npm run bench -- length [--trees 100]
 */
import { existsSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { loadLengthModel, type LengthModel } from "../src/predict/length-model.ts";
import { trainLength, type LengthExample } from "../src/predict/length-training.ts";
import { lengthExamples } from "../src/sim/length-examples.ts";
import { readRuns, readTasks, readTemplates } from "../src/sim/run-file.ts";

const DATA = new URL("../../shared/data/", import.meta.url);
const SETS = ["mint_actor", "mint_actor_critic", "zeroeval"];
const TASKS = ["tasks.mint", "tasks.zeroeval"];

type Print = (line: string) => void;

export async function run(print: Print): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(3),
    options: { trees: { type: "string", default: "100" } },
  });
  if (!existsSync(DATA)) {
    print("skipped: ../shared/data is not there");
    return;
  }
  const tasks = (await Promise.all(TASKS.map((name) => readTasks(fileOf(name))))).flatMap(
    ({ rows }) => rows,
  );
  const texts = { tasks, templates: (await readTemplates(fileOf("templates.mint"))).rows };
  const train: LengthExample[] = [];
  const valid: LengthExample[] = [];
  for (const name of SETS) {
    const { rows } = await readRuns(fileOf(name));
    train.push(...lengthExamples(rows, texts, ["train"]).examples);
    valid.push(...lengthExamples(rows, texts, ["valid"]).examples);
  }
  for (const recipe of ["paper", "default"] as const) {
    const startedMs = performance.now();
    const treeCount = Number(values.trees);
    const bytes = trainLength(train, { recipe, seed: 1, date: "bench", treeCount });
    const trainedMs = performance.now();
    const model = loadLengthModel(bytes);
    if (!model.ok) throw new Error(model.fault.message);
    const loadedMs = performance.now();
    print(
      `${recipe}: ${train.length} stages, ${((trainedMs - startedMs) / 1000).toFixed(1)} s, ` +
        `${(bytes.length / 1e6).toFixed(1)} MB, loads in ${(loadedMs - trainedMs).toFixed(0)} ms`,
    );
    print(`  ${speed(model.value, valid)}`);
  }
}

function fileOf(name: string): string {
  return fileURLToPath(new URL(`${name}.jsonl.gz`, DATA));
}

function speed(model: LengthModel, stages: readonly LengthExample[]): string {
  const startedMs = performance.now();
  const features = stages.map(({ facts }) => model.features(facts));
  const readMs = performance.now();
  for (const [index, each] of features.entries()) model.order(each, stages[index]?.model ?? "");
  const orderedMs = performance.now();
  for (const [index, each] of features.entries()) model.predict(each, stages[index]?.model ?? "");
  const us = (fromMs: number, toMs: number): string =>
    (((toMs - fromMs) * 1000) / stages.length).toFixed(0);
  return (
    `us a stage: features ${us(startedMs, readMs)}, order ${us(readMs, orderedMs)}, ` +
    `with quantiles ${us(orderedMs, performance.now())}`
  );
}
