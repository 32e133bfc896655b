import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import reference from "../../test/reference/forest.json" with { type: "json" };
import { createRandom } from "../core/random.ts";
import { createForestReader } from "./forest-reader.ts";
import { fitForest, type Forest, type ForestData, type ForestOptions } from "./forest.ts";
import { predictOutOfBag } from "./out-of-bag.ts";
import { intervalCoverage, pinballLoss } from "./score.ts";
import { createTable, readRow, type Feature, type FeatureTable } from "./table.ts";

const SINGLE_TREE: ForestOptions = {
  treeCount: 1,
  seed: 1,
  splits: "exact",
  bootstrap: false,
  featuresPerSplit: 6,
  leafMin: 5,
  splitMin: 2,
  depthMax: Infinity,
};
const FOREST: ForestOptions = { ...SINGLE_TREE, treeCount: 50, featuresPerSplit: 2, leafMin: 3 };

function tableOf(
  rows: readonly (readonly number[])[],
  features?: readonly Feature[],
): FeatureTable {
  const named =
    features ?? (rows[0] ?? []).map((_, index) => ({ name: `f${index}`, categories: null }));
  const columns = named.map((_, index) =>
    Float32Array.from(rows, (row) => row[index] ?? Number.NaN),
  );
  return createTable(named, columns);
}

function readAll(table: FeatureTable, read: (row: Float32Array) => number): number[] {
  const row = new Float32Array(table.features.length);
  return Array.from({ length: table.rowCount }, (_, index) => {
    readRow(table, index, row);
    return read(row);
  });
}

function readQuantiles(forest: Forest, table: FeatureTable, levels: readonly number[]): number[][] {
  const reader = createForestReader(forest);
  const row = new Float32Array(table.features.length);
  const into = new Float64Array(levels.length);
  return Array.from({ length: table.rowCount }, (_, index) => {
    readRow(table, index, row);
    reader.quantiles(row, levels, into);
    return [...into];
  });
}

const train: ForestData = {
  table: tableOf(reference.train),
  target: Float64Array.from(reference.target),
};
const held = tableOf(reference.test);

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual).toHaveLength(expected.length);
  for (const [index, value] of expected.entries()) {
    expect(Math.abs((actual[index] ?? Number.NaN) - value)).toBeLessThan(
      1e-5 * Math.max(1, Math.abs(value)),
    );
  }
}

describe("one tree without chance, against scikit-learn", () => {
  const forest = fitForest(train, SINGLE_TREE);
  const reader = createForestReader(forest);

  test("divides the rows in the same way", () => {
    expect(forest.nodes.length / 2).toBe(reference.tree.nodeCount);
    expect((forest.nodes[0] ?? 0) >>> 22).toBe(reference.tree.rootFeature);
    expect(forest.reals[1]).toBeCloseTo(reference.tree.rootThreshold, 5);
    expectClose(readAll(train.table, reader.ordering), reference.tree.trainPredictions);
  });

  test("predicts the same for new rows, where no two splits were equally good", () => {
    const predictions = readAll(held, reader.ordering);
    const expected = reference.tree.testPredictions;
    const same = predictions.filter(
      (value, index) => Math.abs(value - (expected[index] ?? 0)) < 1e-3,
    );
    expect(same.length).toBeGreaterThan(0.95 * expected.length);
  });

  test("gives Meinshausen's quantiles of the leaf", () => {
    const quantiles = readQuantiles(forest, held, reference.levels);
    const predictions = readAll(held, reader.ordering);
    for (const [index, expected] of reference.tree.testQuantiles.entries()) {
      const isSameLeaf =
        Math.abs((predictions[index] ?? 0) - (reference.tree.testPredictions[index] ?? 0)) < 1e-3;
      if (isSameLeaf) expect(quantiles[index]).toEqual(expected);
    }
  });

  test("sends missing values where the variance is least", () => {
    const columns = train.table.columns.map((column) => column.slice());
    for (const [row, column] of reference.holes) {
      const values = columns[column ?? 0];
      if (values !== undefined) values[row ?? 0] = Number.NaN;
    }
    const table = createTable(train.table.features, columns);
    const holed = fitForest({ table, target: train.target }, SINGLE_TREE);
    expect(holed.nodes.length / 2).toBe(reference.holedTree.nodeCount);
    expectClose(
      readAll(table, createForestReader(holed).ordering),
      reference.holedTree.trainPredictions,
    );
  });
});

describe("quality on held-out rows, against quantile-forest with eight seeds", () => {
  test.each([
    ["cart", { ...FOREST, bootstrap: true }],
    ["extra", { ...FOREST, splits: "random" }],
  ] as const)("%s", (name, options) => {
    const seeds = [1, 2, 3, 4];
    const theirs = reference[name];
    const quantiles = seeds.map((seed) =>
      readQuantiles(fitForest(train, { ...options, seed }), held, reference.levels),
    );
    const meanOver = (score: (rows: number[][]) => number | null): number =>
      quantiles.reduce((sum, rows) => sum + (score(rows) ?? Number.NaN), 0) / seeds.length;
    for (const [place, level] of reference.levels.entries()) {
      const loss = meanOver((rows) =>
        pinballLoss(
          reference.truth,
          rows.map((row) => row[place] ?? Number.NaN),
          level,
        ),
      );
      const allowed = 3 * (theirs.pinball.sd[place] ?? 0);
      expect(loss).toBeLessThan((theirs.pinball.mean[place] ?? 0) + allowed);
      expect(loss).toBeGreaterThan((theirs.pinball.mean[place] ?? 0) - 2 * allowed);
    }
    const cover = meanOver((rows) =>
      intervalCoverage(
        reference.truth,
        rows.map((row) => row[0] ?? 0),
        rows.map((row) => row[2] ?? 0),
      ),
    );
    expect(Math.abs(cover - theirs.coverage.mean)).toBeLessThan(4 * theirs.coverage.sd);
  });

  test("mean and out-of-bag error", () => {
    const options: ForestOptions = { ...FOREST, bootstrap: true };
    const forest = fitForest(train, options);
    const reader = createForestReader(forest);
    const error = absoluteError(readAll(held, reader.mean), reference.truth);
    const theirs = reference.cart.absoluteError;
    expect(Math.abs(error - theirs.mean)).toBeLessThan(5 * theirs.sd);
    const bag = predictOutOfBag(forest, { data: train, options }, [0.1, 0.9]);
    const bagError = absoluteError([...bag.mean], [...train.target]);
    const theirBag = reference.outOfBagError;
    expect(Math.abs(bagError - theirBag.mean)).toBeLessThan(5 * theirBag.sd);
    const [low, high] = bag.quantiles;
    const cover = intervalCoverage(train.target, low ?? [], high ?? []) ?? 0;
    expect(cover).toBeGreaterThan(0.7);
    expect(cover).toBeLessThan(0.9);
  });
});

function absoluteError(predictions: readonly number[], truth: readonly number[]): number {
  const misses = truth.map((value, index) => Math.abs(value - (predictions[index] ?? Number.NaN)));
  return misses.reduce((sum, miss) => sum + miss, 0) / truth.length;
}

/** Small tables with few values, holes and a category, so that ties and odd nodes are common. */
const smallData = fc
  .array(
    fc.tuple(
      fc.option(fc.integer({ min: 0, max: 6 }), { nil: Number.NaN }),
      fc.option(fc.integer({ min: 0, max: 39 }), { nil: Number.NaN }),
      fc.integer({ min: 0, max: 4 }),
      fc.integer({ min: -20, max: 900 }),
    ),
    { minLength: 1, maxLength: 60 },
  )
  .map((rows) => ({
    table: tableOf(rows, [
      { name: "few", categories: null },
      { name: "kind", categories: 40 },
      { name: "whole", categories: null },
    ]),
    target: Float64Array.from(rows, (row) => row[3]),
  }));
const smallOptions = fc.record({
  treeCount: fc.integer({ min: 1, max: 6 }),
  seed: fc.integer(),
  splits: fc.constantFrom("exact" as const, "random" as const),
  bootstrap: fc.boolean(),
  featuresPerSplit: fc.integer({ min: 1, max: 3 }),
  leafMin: fc.integer({ min: 1, max: 4 }),
  splitMin: fc.constant(2),
  depthMax: fc.constantFrom(0, 3, Infinity),
});

/** Meinshausen's quantile by sorting the leaves' samples, each with its weight. */
function slowQuantile(forest: Forest, leaves: readonly number[][], level: number): number {
  const weighted = leaves.flatMap((samples) =>
    samples.map((code) => ({ value: forest.targets[code] ?? 0, weight: 1 / samples.length })),
  );
  weighted.sort((a, b) => a.value - b.value);
  let sum = 0;
  for (const { value, weight } of weighted) {
    sum += weight;
    if (sum >= level * leaves.length - 1e-6) return value;
  }
  return Number.NaN;
}

/** The samples of each tree's leaf, found by walking the tree as its comment describes it. */
function slowLeaves(forest: Forest, row: Float32Array): number[][] {
  return Array.from({ length: forest.treeNodes.length - 1 }, (_, tree) => {
    let node = forest.treeNodes[tree] ?? 0;
    let head = forest.nodes[2 * node] ?? 0;
    while (head >>> 22 !== 1023) {
      const value = row[head >>> 22] ?? Number.NaN;
      const word = forest.nodes[2 * node + 1] ?? 0;
      let isLeft = value <= (forest.reals[2 * node + 1] ?? 0);
      if (Number.isNaN(value)) isLeft = ((head >>> 21) & 1) === 1;
      else if (((head >>> 20) & 1) === 1) {
        isLeft = (((forest.sets[word + Math.floor(value / 32)] ?? 0) >>> (value % 32)) & 1) === 1;
      }
      node += isLeft ? 1 : head % 2 ** 20;
      head = forest.nodes[2 * node] ?? 0;
    }
    const start = (forest.treeSamples[tree] ?? 0) + (head % 2 ** 22);
    return Array.from(forest.samples.slice(start + 1, start + 1 + (forest.samples[start] ?? 0)));
  });
}

describe("any forest", () => {
  test("reads means, medians and quantiles as a slow reading of its leaves does", () => {
    fc.assert(
      fc.property(smallData, smallOptions, (data, options) => {
        const forest = fitForest(data, options);
        const reader = createForestReader(forest);
        const row = new Float32Array(3);
        const levels = [0, 0.1, 0.25, 0.5, 0.77, 1];
        const into = new Float64Array(levels.length);
        for (let index = 0; index < data.table.rowCount; index++) {
          readRow(data.table, index, row);
          const leaves = slowLeaves(forest, row);
          const means = leaves.map(
            (codes) =>
              codes.reduce((sum, code) => sum + (forest.targets[code] ?? 0), 0) / codes.length,
          );
          const mean = means.reduce((sum, value) => sum + value, 0) / means.length;
          expect(reader.mean(row)).toBeCloseTo(mean, 6);
          expect(reader.ordering(row)).toBeCloseTo(mean, 3);
          reader.quantiles(row, levels, into);
          expect([...into]).toEqual(levels.map((level) => slowQuantile(forest, leaves, level)));
        }
      }),
    );
  });

  test("has leaves that hold what was drawn, in the size asked for", () => {
    fc.assert(
      fc.property(smallData, smallOptions, (data, options) => {
        const forest = fitForest(data, { ...options, bootstrap: false });
        const { rowCount } = data.table;
        for (let tree = 0; tree < options.treeCount; tree++) {
          let drawn = 0;
          const end = forest.treeSamples[tree + 1] ?? 0;
          for (let start = forest.treeSamples[tree] ?? 0; start < end;) {
            const size = forest.samples[start] ?? 0;
            expect(size).toBeGreaterThanOrEqual(Math.min(options.leafMin, rowCount));
            drawn += size;
            start += size + 1;
          }
          expect(drawn).toBe(rowCount);
        }
      }),
    );
  });

  test("is the same for the same seed, and another for another", () => {
    const options: ForestOptions = { ...FOREST, treeCount: 3, bootstrap: true };
    expect(fitForest(train, options)).toEqual(fitForest(train, options));
    expect(fitForest(train, { ...options, seed: 2 }).nodes).not.toEqual(
      fitForest(train, options).nodes,
    );
  });

  test("has quantiles that rise with the level", () => {
    fc.assert(
      fc.property(smallData, smallOptions, (data, options) => {
        const levels = [0, 0.2, 0.5, 0.8, 1];
        for (const row of readQuantiles(fitForest(data, options), data.table, levels)) {
          expect(row).toEqual(row.toSorted((a, b) => a - b));
        }
      }),
    );
  });

  test("predicts a constant target as the constant, and one row as itself", () => {
    fc.assert(
      fc.property(smallData, smallOptions, fc.integer(), (data, options, constant) => {
        const target = new Float64Array(data.table.rowCount).fill(constant);
        const forest = fitForest({ table: data.table, target }, options);
        expect(forest.nodes.length / 2).toBe(options.treeCount);
        expect(readQuantiles(forest, data.table, [0.1, 0.9])[0]).toEqual([constant, constant]);
      }),
    );
    const one = tableOf([[3, 4]]);
    const forest = fitForest(
      { table: one, target: Float64Array.of(17) },
      { ...SINGLE_TREE, featuresPerSplit: 2 },
    );
    expect(createForestReader(forest).mean(Float32Array.of(9, 9))).toBe(17);
  });
});

describe("rows in another order", () => {
  test("give a tree without chance the same predictions", () => {
    const order = reference.train.map((_, index) => index);
    const random = createRandom(3);
    order.sort(() => random.next() - 0.5);
    const rows = order.map((index) => reference.train[index] ?? []);
    const target = Float64Array.from(order, (index) => reference.target[index] ?? 0);
    const there = createForestReader(fitForest(train, SINGLE_TREE));
    const here = createForestReader(fitForest({ table: tableOf(rows), target }, SINGLE_TREE));
    expectClose(readAll(train.table, here.mean), readAll(train.table, there.mean));
  });
});

function isHigh(kind: number): boolean {
  return (kind * 29) % 70 < 20;
}

describe("categories", () => {
  const features: Feature[] = [{ name: "kind", categories: 70 }];
  const rows = Array.from({ length: 140 }, (_, index) => [index % 70]);
  const target = Float64Array.from(rows, ([kind]) => (isHigh(kind ?? 0) ? 100 : 1));
  const data: ForestData = { table: tableOf(rows, features), target };

  test("are divided by their means in one split, whatever their codes", () => {
    const forest = fitForest(data, { ...SINGLE_TREE, featuresPerSplit: 1 });
    expect(forest.nodes.length / 2).toBe(3);
    const predictions = readAll(data.table, createForestReader(forest).mean);
    expect(predictions).toEqual([...target]);
  });

  test("that were never seen, and missing ones, follow the larger side", () => {
    const seen = rows.filter(([kind]) => kind !== 5);
    const seenTarget = Float64Array.from(seen, ([kind]) => (isHigh(kind ?? 0) ? 100 : 1));
    for (const splits of ["exact", "random"] as const) {
      const forest = fitForest(
        { table: tableOf(seen, features), target: seenTarget },
        { ...SINGLE_TREE, splits, featuresPerSplit: 1, depthMax: splits === "exact" ? 9 : 0 },
      );
      const reader = createForestReader(forest);
      const absent = reader.mean(Float32Array.of(5));
      expect(absent).toBe(reader.mean(Float32Array.of(Number.NaN)));
      expect(absent).toBe(reader.mean(Float32Array.of(4096)));
      if (splits === "exact") expect(absent).toBe(1);
    }
  });

  test("out of range in training are bugs of the caller", () => {
    expect(() => tableOf([[70]], features)).toThrow("categories or missing");
    expect(() => tableOf([[0.5]], features)).toThrow("categories or missing");
  });
});

describe("groups", () => {
  test("are drawn together, so that no row is judged by trees that know its group", () => {
    const chance = createRandom(8);
    const groups = Array.from({ length: 240 }, (_, index) => index >> 3);
    const level = groups.map((group) => (createRandom(group).next() > 0.5 ? 100 : 0));
    const table = tableOf(groups.map((group) => [group, chance.next()]));
    const target = Float64Array.from(level);
    const options: ForestOptions = {
      ...FOREST,
      bootstrap: true,
      leafMin: 1,
      featuresPerSplit: 2,
    };
    const error = (data: ForestData): number =>
      absoluteError(
        [...predictOutOfBag(fitForest(data, options), { data, options }, []).mean],
        level,
      );
    expect(error({ table, target })).toBeLessThan(10);
    expect(error({ table, target, groups })).toBeGreaterThan(25);
  });
});

describe("a split target", () => {
  test("decides the splits, while leaves keep the target", () => {
    const splitTarget = train.target.map((value) => Math.log1p(value));
    const forest = fitForest({ ...train, splitTarget }, SINGLE_TREE);
    const reader = createForestReader(forest);
    const row = new Float32Array(6);
    readRow(train.table, 0, row);
    expect(reader.ordering(row)).toBeLessThan(20);
    expect(reader.mean(row)).toBeGreaterThan(20);
    expect(forest.targets.at(-1)).toBe(Math.max(...train.target));
  });
});

describe("a caller's bugs throw", () => {
  test("targets, options and rows of the wrong kind", () => {
    const short = { table: train.table, target: new Float64Array(3) };
    expect(() => fitForest(short, SINGLE_TREE)).toThrow("one target per row");
    const holed = { table: train.table, target: train.target.map(() => Number.NaN) };
    expect(() => fitForest(holed, SINGLE_TREE)).toThrow("finite");
    expect(() => fitForest(train, { ...SINGLE_TREE, featuresPerSplit: 7 })).toThrow("1..all");
    const reader = createForestReader(fitForest(train, SINGLE_TREE));
    expect(() => reader.mean(new Float32Array(5))).toThrow("one value per feature");
    expect(() =>
      predictOutOfBag(fitForest(train, SINGLE_TREE), { data: train, options: SINGLE_TREE }, []),
    ).toThrow("bootstrap");
  });
});
