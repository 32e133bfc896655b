import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { madeExamples } from "../../test/predict/length-made.ts";
import { testSeed } from "../../test/seed.ts";
import { decodeModelFile, encodeModelFile, type ModelFile } from "../learn/model-file.ts";
import type { LengthRecipe } from "./length-features.ts";
import { LENGTH_LEVELS, loadLengthModel, type LengthModel } from "./length-model.ts";
import { distanceInside } from "./length-training-scores.ts";
import { trainLength, type LengthExample } from "./length-training.ts";

const TRAIN = madeExamples(300, 1);
const VALID = madeExamples(150, 2);
const RECIPES: readonly LengthRecipe[] = ["paper", "default"];

function train(recipe: LengthRecipe, examples: readonly LengthExample[] = TRAIN): Uint8Array {
  return trainLength(examples, { recipe, seed: 7, date: "2026-01-01", treeCount: 20 });
}

function load(bytes: Uint8Array): LengthModel {
  const model = loadLengthModel(bytes);
  if (!model.ok) throw new Error(model.fault.message);
  return model.value;
}

const BYTES = { paper: train("paper"), default: train("default") };
const MODELS = { paper: load(BYTES.paper), default: load(BYTES.default) };

function medians(model: LengthModel, examples: readonly LengthExample[]): number[] {
  return examples.map((each) => model.predict(model.features(each.facts), each.model).median);
}

function heldOutOf({ facts }: LengthModel): { rows: number; distance: number; cover: number } {
  return z
    .object({ rows: z.number(), distance: z.number(), cover: z.number() })
    .parse(facts["heldOut"]);
}

/** Kendall distance of what is predicted for VALID. */
function distanceOf(predictions: readonly number[]): number {
  const truth = VALID.map(({ remaining }) => remaining);
  const models = VALID.map(({ model }) => model);
  return distanceInside(truth, predictions, models) ?? 1;
}

describe.each(RECIPES)("recipe %s", (recipe) => {
  const model = MODELS[recipe];

  test("orders stages that it has not seen better than their number does", () => {
    const byStage = distanceOf(VALID.map(({ facts }) => -facts.stage));
    expect(distanceOf(medians(model, VALID))).toBeLessThan(byStage - 0.03);
  });

  test("the same examples and seed give the same file", () => {
    expect(Buffer.compare(train(recipe), BYTES[recipe])).toBe(0);
  });

  test("says what it was trained on, and how it did on what it had not seen", () => {
    expect(model.recipe).toBe(recipe);
    expect(model.facts).toMatchObject({
      rows: TRAIN.length,
      seed: 7,
      date: "2026-01-01",
      trees: 20,
    });
    const scores = heldOutOf(model);
    expect(scores.rows).toBe(TRAIN.length);
    expect(Math.abs(scores.distance - distanceOf(medians(model, VALID)))).toBeLessThan(0.05);
    expect(Math.abs(scores.cover - 0.8)).toBeLessThan(0.1);
  });

  test("quantiles rise, and all numbers are finite and at least 1, whatever the facts", () => {
    const stage = fc.constantFrom(...VALID);
    const tokens = fc.array(fc.nat({ max: 100_000 }), { maxLength: 32 });
    const served = fc.constantFrom("small", "large", "never seen");
    const kind = fc.constantFrom("made", "another");
    fc.assert(
      fc.property(
        stage,
        tokens,
        served,
        kind,
        fc.boolean(),
        (each, produced, name, kind, isRead) => {
          const { facts } = each;
          const text = isRead ? facts.text : null;
          const features = model.features({ ...facts, kind, text, producedTokens: produced });
          const { mean, median, quantiles, stageTokens } = model.predict(features, name);
          expect(quantiles).toEqual([...quantiles].sort((a, b) => a - b));
          expect(quantiles[LENGTH_LEVELS.indexOf(0.5)]).toBe(median);
          for (const value of [mean, stageTokens, model.order(features, name), ...quantiles]) {
            expect(Number.isFinite(value) && value >= 1).toBe(true);
          }
        },
      ),
      { seed: testSeed },
    );
  });

  test("the interval from 10 to 90 % holds about 80 % of unseen stages", () => {
    const inside = VALID.filter(({ facts, model: name, remaining }) => {
      const { quantiles } = model.predict(model.features(facts), name);
      return remaining >= (quantiles[0] ?? 0) && remaining <= (quantiles.at(-1) ?? 0);
    });
    expect(inside.length / VALID.length).toBeGreaterThan(0.7);
    expect(inside.length / VALID.length).toBeLessThan(0.9);
  });
});

test("the history of a workflow makes the order better", () => {
  const [paper, ours] = RECIPES.map((recipe) => distanceOf(medians(MODELS[recipe], VALID)));
  expect(ours).toBeLessThan(paper ?? 0);
});

describe("the mean", () => {
  test("stays inside what was seen, and a model that was never seen is between the known ones", () => {
    const longest = Math.max(...TRAIN.map(({ remaining }) => remaining));
    for (const { facts } of VALID.slice(0, 50)) {
      const features = MODELS.default.features(facts);
      const [small, large, unknown] = ["small", "large", "never seen"].map(
        (name) => MODELS.default.predict(features, name).mean,
      );
      expect(small).toBeLessThanOrEqual(longest);
      expect(unknown).toBeGreaterThan(0.5 * Math.min(small ?? 0, large ?? 0));
      expect(unknown).toBeLessThan(2 * Math.max(small ?? 0, large ?? 0));
    }
  });

  test("asking for one model does not change what another gets", () => {
    const { facts } = VALID[0] ?? { facts: TRAIN[0]?.facts };
    if (facts === undefined) throw new Error("an example is missing");
    const features = MODELS.default.features(facts);
    const before = MODELS.default.predict(features, "small");
    MODELS.default.predict(features, "large");
    expect(MODELS.default.predict(features, "small")).toEqual(before);
  });
});

describe("few examples", () => {
  test.each([1, 2, 5])("%i workflows are enough for a model", (count) => {
    const model = load(train("default", madeExamples(count, 3)));
    expect(medians(model, VALID).every((median) => median >= 1)).toBe(true);
  });

  test("examples without text make one too", () => {
    const examples = TRAIN.map((each) => ({ ...each, facts: { ...each.facts, text: null } }));
    expect(medians(load(train("default", examples)), VALID)).toHaveLength(VALID.length);
  });
});

test("a prompt of a megabyte is read as far as the bound", () => {
  const [example] = VALID;
  if (example === undefined) throw new Error("an example is missing");
  const word = "prove ";
  const text = { system: word.repeat(1e5), user: word.repeat(170_000), recent: [] };
  const features = MODELS.default.features({ ...example.facts, text });
  const longer = { ...text, user: text.user + "list ".repeat(1e5) };
  expect(MODELS.default.features({ ...example.facts, text: longer }).row).toEqual(features.row);
});

test("from few rows it goes a second way to the length, and orders by its own median", () => {
  const file = decodeModelFile(BYTES.default);
  const paper = decodeModelFile(BYTES.paper);
  if (!file.ok || !paper.ok) throw new Error("the models can be read");
  expect(file.value.sections["growth/nodes"]).toBeDefined();
  expect(paper.value.sections["growth/nodes"]).toBeUndefined();
  for (const { facts, model } of VALID.slice(0, 50)) {
    const features = MODELS.default.features(facts);
    const { median } = MODELS.default.predict(features, model);
    expect(median).toBeCloseTo(MODELS.default.order(features, model), 3);
  }
});

function faultOf(bytes: Uint8Array): string {
  const model = loadLengthModel(bytes);
  return model.ok ? "none" : `${model.fault.code}: ${model.fault.message}`;
}

describe("a file is refused", () => {
  const decoded = decodeModelFile(BYTES.default);
  if (!decoded.ok) throw new Error("the model can be read");
  const file: ModelFile = decoded.value;

  test("when it is no model, cut or changed", () => {
    expect(faultOf(new TextEncoder().encode("hello, world"))).toMatch(/^not-a-model/);
    expect(faultOf(BYTES.default.slice(0, -8))).toMatch(/^damaged/);
    const changed = BYTES.default.slice();
    changed[changed.length >>> 1] = (changed[changed.length >>> 1] ?? 0) ^ 1;
    expect(faultOf(changed)).toMatch(/^damaged/);
  });

  test("when it is a model of something else or of another schema", () => {
    expect(faultOf(encodeModelFile({ ...file, kind: "router" }))).toMatch(/^unfit.*router/);
    expect(faultOf(encodeModelFile({ ...file, schema: 99 }))).toMatch(/^other-version.*99/);
  });

  test("when it was trained on other features", () => {
    const features = file.features.map((feature) =>
      feature.name === "promptTokens" ? { ...feature, name: "phaseOfTheMoon" } : feature,
    );
    expect(faultOf(encodeModelFile({ ...file, features }))).toMatch(
      /^unfit: the model was trained on other features: phaseOfTheMoon stands where promptTokens/,
    );
  });

  test.each([
    "tables",
    "remaining/nodes",
    "stage/samples",
    "growth/nodes",
    "vocabulary/hashes",
    "axes/components",
  ])("when its section %s is missing", (name) => {
    const { [name]: removed, ...sections } = file.sections;
    expect(removed).toBeDefined();
    expect(faultOf(encodeModelFile({ ...file, sections }))).toMatch(/^unfit/);
  });
});
