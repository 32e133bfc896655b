/**
 * Fit and predict times of the forest on made-up rows that look like stages: few-valued, heavy-tailed
 * and smooth features, a heavy-tailed count as target; the size of its file and the time to load it.
 *
 *     npm run bench -- forest [--rows 40000] [--features 70] [--trees 100] [--write FOLDER]
 *
 * With --write the rows are saved, so that bench/forest.py measures scikit-learn on the same ones.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { createRandom, type Random } from "../src/core/random.ts";
import { createForestReader } from "../src/learn/forest-reader.ts";
import { forestFromSections, forestSections } from "../src/learn/forest-sections.ts";
import { fitForest, type Forest, type ForestOptions } from "../src/learn/forest.ts";
import { decodeModelFile, encodeModelFile } from "../src/learn/model-file.ts";
import { kendallDistance, pinballLoss } from "../src/learn/score.ts";
import { createTable, readRow, type FeatureTable } from "../src/learn/table.ts";

interface Rows {
  readonly table: FeatureTable;
  readonly target: Float64Array;
}

const HELD_OUT_ROWS = 2_000;
const PASSES = 5;
const LEVELS = [0.1, 0.5, 0.9];

export function run(print: (line: string) => void): void {
  const { values } = parseArgs({
    args: process.argv.slice(3),
    options: {
      rows: { type: "string", default: "40000" },
      features: { type: "string", default: "70" },
      trees: { type: "string", default: "100" },
      write: { type: "string" },
    },
  });
  const featureCount = Number(values.features);
  const train = makeRows(Number(values.rows), featureCount, 1);
  const test = makeRows(HELD_OUT_ROWS, featureCount, 2);
  if (values.write !== undefined) write(values.write, train, test);
  const base = { treeCount: Number(values.trees), seed: 1, splitMin: 2, depthMax: Infinity };
  const third = Math.ceil(featureCount / 3);
  const half = Math.ceil(featureCount / 2);
  const cart = report("cart, bootstrap, a third of the features, leaf 5", train, test, {
    ...base,
    splits: "exact",
    bootstrap: true,
    featuresPerSplit: third,
    leafMin: 5,
  });
  const random = report("random splits, half of the features, leaf 3", train, test, {
    ...base,
    splits: "random",
    bootstrap: false,
    featuresPerSplit: half,
    leafMin: 3,
  });
  for (const line of [...cart, ...random]) print(line);
}

function makeRows(rowCount: number, featureCount: number, seed: number): Rows {
  const random = createRandom(seed);
  const columns = Array.from({ length: featureCount }, (_, index) =>
    Float32Array.from({ length: rowCount }, () => drawValue(random, index)),
  );
  const target = Float64Array.from({ length: rowCount }, (_, row) => {
    const value = (index: number): number => columns[index % featureCount]?.[row] ?? 0;
    const known = value(0) / 4 + Math.log1p(value(1)) / 3 + value(2) + value(5) * value(8);
    const noise = drawValue(random, 2) * 0.6 + (value(3) > 2 ? drawValue(random, 2) : 0);
    return Math.round(Math.exp(3 + known * 0.5 + noise));
  });
  const features = columns.map((_, index) => ({ name: `f${index}`, categories: null }));
  return { table: createTable(features, columns), target };
}

/** By turns: a few values, a heavy tail, smooth. */
function drawValue(random: Random, index: number): number {
  if (index % 5 === 0) return Math.floor(random.next() * 8);
  if (index % 5 === 1) return Math.floor(Math.exp(random.next() * 7));
  return random.next() + random.next() + random.next() + random.next() - 2;
}

function report(name: string, train: Rows, test: Rows, options: ForestOptions): string[] {
  const started = performance.now();
  const processor = process.cpuUsage();
  const forest = fitForest(train, options);
  const fitMs = performance.now() - started;
  const userSeconds = process.cpuUsage(processor).user / 1e6;
  const reader = createForestReader(forest);
  const into = new Float64Array(LEVELS.length);
  const medians = new Float64Array(test.target.length);
  const orders = new Float64Array(test.target.length);
  const lows = new Float64Array(test.target.length);
  const ordering = timeRows(test, (row, index) => (orders[index] = reader.ordering(row)));
  const leafMedian = timeRows(test, (row) => reader.leafMedian(row));
  const mean = timeRows(test, (row) => reader.mean(row));
  const quantiles = timeRows(test, (row, index) => {
    reader.quantiles(row, LEVELS, into);
    lows[index] = into[0] ?? 0;
    medians[index] = into[1] ?? 0;
  });
  return [
    name,
    `  fit        ${(fitMs / 1000).toFixed(2)} s, ${userSeconds.toFixed(2)} s of the processor`,
    `  ordering   ${ordering.toFixed(1)} us a row, mean ${mean.toFixed(1)}, leaf median ${leafMedian.toFixed(1)}`,
    `  quantiles  ${quantiles.toFixed(1)} us a row`,
    `  file       ${fileOf(forest)}, ${forest.nodes.length / 2} nodes`,
    `  kendall    ${kendallDistance(test.target, orders)?.toFixed(4)}`,
    `  pinball    ${pinballLoss(test.target, lows, 0.1)?.toFixed(3)} at .1, ${pinballLoss(test.target, medians, 0.5)?.toFixed(3)} at .5`,
  ];
}

/** Microseconds per row: the quickest of some passes, since other work on the machine only adds. */
function timeRows({ table }: Rows, read: (row: Float32Array, index: number) => void): number {
  const row = new Float32Array(table.features.length);
  const pass = (count: number): number => {
    const started = performance.now();
    for (let index = 0; index < count; index++) {
      readRow(table, index, row);
      read(row, index);
    }
    return ((performance.now() - started) * 1000) / count;
  };
  return Math.min(...Array.from({ length: PASSES }, () => pass(table.rowCount)));
}

function fileOf(forest: Forest): string {
  const { features } = forest;
  const sections = forestSections(forest);
  const bytes = encodeModelFile({ kind: "bench", schema: 1, features, facts: {}, sections });
  const started = performance.now();
  const file = decodeModelFile(bytes);
  if (!file.ok || !forestFromSections(file.value.sections, features).ok) return "damaged";
  const loadMs = performance.now() - started;
  return `${(bytes.length / 1e6).toFixed(1)} MB, read and checked in ${loadMs.toFixed(0)} ms`;
}

function write(folder: string, train: Rows, test: Rows): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, { table, target }] of Object.entries({ train, test })) {
    for (const [index, column] of table.columns.entries()) {
      writeFileSync(`${folder}/${name}.${index}.f32`, column);
    }
    writeFileSync(`${folder}/${name}.target.f64`, target);
  }
}
