/**
 * What the light router costs on the recorded runs: training, loading, the size of the file, and
 * milliseconds a decision. What its confidence is worth is told by `chimera eval router`.
 *
 *     npm run bench -- router [--trees 100]
 */
import { existsSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import type { RouterExample } from "../src/predict/router-cases.ts";
import { loadRouterModel } from "../src/predict/router-model.ts";
import { trainRouter } from "../src/predict/router-training.ts";
import { routerExamples } from "../src/sim/router-examples.ts";
import { readRuns, readTasks, readTemplates } from "../src/sim/run-file.ts";

const DATA = new URL("../../shared/data/", import.meta.url);
const SETS = ["mint_actor", "mint_actor_critic", "zeroeval", "routellm_mmlu"];
const TASKS = ["tasks.mint", "tasks.zeroeval", "tasks.routellm"];

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
  const train: RouterExample[] = [];
  const valid: RouterExample[] = [];
  for (const name of SETS) {
    const { rows } = await readRuns(fileOf(name));
    train.push(...routerExamples(rows, texts, ["train"]));
    valid.push(...routerExamples(rows, texts, ["valid"]));
  }
  const startedMs = performance.now();
  const treeCount = Number(values.trees);
  const bytes = trainRouter(train, { seed: 1, date: "bench", treeCount });
  const trainedMs = performance.now();
  const router = loadRouterModel(bytes);
  if (!router.ok) throw new Error(router.fault.message);
  const loadedMs = performance.now();
  const { models } = router.value;
  for (const { facts } of valid) router.value.confidence(facts, models);
  const decidedMs = (performance.now() - loadedMs) / valid.length;
  print(
    `${train.length} runs, ${models.length} models: trained in ` +
      `${((trainedMs - startedMs) / 1000).toFixed(1)} s, ${(bytes.length / 1e6).toFixed(1)} MB, ` +
      `loaded in ${(loadedMs - trainedMs).toFixed(0)} ms, ` +
      `a decision over all models, text and all: ${decidedMs.toFixed(3)} ms`,
  );
}

function fileOf(name: string): string {
  return fileURLToPath(new URL(`${name}.jsonl.gz`, DATA));
}
