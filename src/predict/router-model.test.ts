import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { madeRouterExamples, madeRouterFacts, TEMPLATE } from "../../test/predict/router-made.ts";
import { testSeed } from "../../test/seed.ts";
import { decodeModelFile, encodeModelFile, type ModelFile } from "../learn/model-file.ts";
import { calibrationError, meanAveragePrecision } from "../learn/score.ts";
import type { RouterExample } from "./router-cases.ts";
import { loadRouterModel, type RouterModel, type RouterPriors } from "./router-model.ts";
import { trainRouter } from "./router-training.ts";

const TRAIN = madeRouterExamples(200, 1);
const VALID = madeRouterExamples(400, 2);

function train(examples: readonly RouterExample[] = TRAIN): Uint8Array<ArrayBuffer> {
  return trainRouter(examples, { seed: 7, date: "2026-01-01", treeCount: 10 });
}

function load(bytes: Uint8Array, priors?: RouterPriors): RouterModel {
  const model = loadRouterModel(bytes, priors);
  if (!model.ok) throw new Error(model.fault.message);
  return model.value;
}

const BYTES = train();
const ROUTER = load(BYTES);

const TASK = "sum list graph prime angle parse sort count merge";
const EASY = `${TASK} fold 271828?`;
const HARD = `${TASK} prove 271828?`;

function confidenceOf(router: RouterModel, kind: string, user: string, model: string): number {
  return router.confidence(madeRouterFacts(kind, user), [model])[0]?.confidence ?? Number.NaN;
}

/** Mean confidence of a model in unseen tasks, hard or not. */
function meanOf(model: string, isHard: boolean): number {
  const all = VALID.map(({ facts }) => facts)
    .filter(({ text }) => text?.user.includes("prove") === isHard)
    .map((facts) => ROUTER.confidence(facts, [model])[0]?.confidence ?? Number.NaN);
  return all.reduce((sum, confidence) => sum + confidence, 0) / all.length;
}

function codeOf(bytes: Uint8Array): string {
  const model = loadRouterModel(bytes);
  return model.ok ? "ok" : model.fault.code;
}

const scoresSchema = z.object({ meanAveragePrecision: z.number(), brier: z.number() });

describe("a router", () => {
  const confidences = VALID.map(
    ({ facts, model }) => ROUTER.confidence(facts, [model])[0]?.confidence ?? Number.NaN,
  );
  const truths = VALID.map(({ success }) => success);

  test("tells tasks that models solve from those that they do not, and how often", () => {
    const rate = truths.reduce((sum, truth) => sum + truth, 0) / truths.length;
    expect(meanAveragePrecision([truths], [confidences])).toBeGreaterThan(rate + 0.15);
    expect(calibrationError(truths, confidences)).toBeLessThan(0.08);
  });

  test("knows the better model, the easier family and the harder word", () => {
    const small = confidenceOf(ROUTER, "unknown", EASY, "small");
    expect(confidenceOf(ROUTER, "unknown", EASY, "large")).toBeGreaterThan(small);
    expect(confidenceOf(ROUTER, "unknown", HARD, "small")).toBeLessThan(small);
    expect(confidenceOf(ROUTER, "filled", `${TEMPLATE}${EASY}`, "small")).toBeGreaterThan(small);
  });

  test("finds the family of a kind that it has not heard of by its template", () => {
    const user = `${TEMPLATE}${HARD}`;
    expect(confidenceOf(ROUTER, "renamed", user, "large")).toBe(
      confidenceOf(ROUTER, "filled", user, "large"),
    );
  });

  test("says what it was trained on, and how it did beside the family's rate on what it had not seen", () => {
    const { facts } = ROUTER;
    expect(facts).toMatchObject({ rows: 400, prompts: 200, models: 2, seed: 7, trees: 10 });
    const heldOut = scoresSchema.parse(facts["heldOut"]);
    expect(heldOut.brier).toBeLessThan(scoresSchema.parse(facts["familyRate"]).brier);
  });

  test("the same examples and seed give the same file", () => {
    expect(Buffer.compare(train(), BYTES)).toBe(0);
  });

  test("answers for the models that were asked, in their order, with the source of each number", () => {
    const answers = ROUTER.confidence(madeRouterFacts("unknown", "sum"), ["large", "new", "small"]);
    expect(answers.map(({ model }) => model)).toEqual(["large", "new", "small"]);
    expect(answers.map(({ source }) => source)).toEqual([
      "router(n=200)",
      "router-prior(n=0)",
      "router(n=200)",
    ]);
    expect(ROUTER.confidence(madeRouterFacts("unknown", "sum"), [])).toEqual([]);
  });
});

describe("a model without outcomes", () => {
  test("starts from what others do on the task", () => {
    expect(meanOf("new", false)).toBeGreaterThan(meanOf("new", true) + 0.1);
    for (const isHard of [false, true]) {
      expect(meanOf("new", isHard)).toBeGreaterThan(meanOf("small", isHard) - 0.05);
      expect(meanOf("new", isHard)).toBeLessThan(meanOf("large", isHard) + 0.05);
    }
  });

  test("starts from its prior where one is given", () => {
    const router = load(BYTES, { bright: 0.95, dull: 0.05 });
    const bright = confidenceOf(router, "unknown", "sum", "bright");
    expect(bright).toBeGreaterThan(confidenceOf(router, "unknown", "sum", "dull") + 0.3);
  });

  test("moves from there to its own as outcomes come", () => {
    const ofNew = TRAIN.filter(({ model }) => model === "large").map((example) => ({
      ...example,
      model: "new",
      success: 0,
    }));
    const after = [0, 5, 50].map((count) =>
      confidenceOf(load(train([...TRAIN, ...ofNew.slice(0, count)])), "unknown", "sum", "new"),
    );
    expect(after).toEqual(after.toSorted((a, b) => b - a));
    expect(after[2]).toBeLessThan(0.3);
  });
});

describe("a prompt", () => {
  test("without text is answered with the family's rate, and said so", () => {
    for (const text of [null, { system: " ", user: "\n", recent: [] }]) {
      const facts = { ...madeRouterFacts("filled", ""), text };
      const [known, unknown] = ROUTER.confidence(facts, ["small", "new"]);
      expect(known?.source).toBe("family-rate(n=200)");
      expect(unknown?.source).toBe("family-prior(n=0)");
      expect(known?.confidence).toBeGreaterThan(0.3);
      expect(known?.confidence).toBeLessThan(0.8);
    }
  });

  test("of a megabyte is read at its start only", () => {
    const start = "sum list prove ".repeat(2000);
    const whole = confidenceOf(ROUTER, "unknown", start.padEnd(1_000_000, "graph "), "small");
    expect(whole).toBe(confidenceOf(ROUTER, "unknown", start, "small"));
  });

  test(`of any text gives a probability (seed ${testSeed})`, () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string(), (user, kind) => {
        for (const { confidence } of ROUTER.confidence(madeRouterFacts(kind, user), ["small", "x"]))
          if (!(confidence > 0 && confidence < 1)) return false;
        return true;
      }),
      { seed: testSeed, numRuns: 50 },
    );
  });

  test("counts for its first message alone: what came after is not read", () => {
    const facts = madeRouterFacts("filled", `${TEMPLATE}sum prove`);
    const later = {
      ...facts,
      stage: 3,
      producedTokens: [500, 20, 7],
      text: {
        system: "",
        user: `${TEMPLATE}sum prove`,
        recent: [{ role: "assistant", content: "The answer is 4." }],
      },
    };
    expect(ROUTER.confidence(later, ["small", "large"])).toEqual(
      ROUTER.confidence(facts, ["small", "large"]),
    );
  });
});

describe("training", () => {
  test("with shares of success, one class, repeated runs or one problem gives a router", () => {
    const shares = TRAIN.map((example) => ({ ...example, success: example.success / 2 }));
    const solved = TRAIN.map((example) => ({ ...example, success: 1 }));
    const one = TRAIN.slice(0, 2);
    for (const examples of [shares, solved, [...TRAIN, ...TRAIN.slice(0, 50)], one]) {
      const confidence = confidenceOf(load(train(examples)), "unknown", "sum", "small");
      expect(confidence).toBeGreaterThan(0);
      expect(confidence).toBeLessThan(1);
    }
    expect(load(train(one)).facts["heldOut"]).toBeNull();
  });

  test("on texts without a word that returns still knows families and counts", () => {
    const mute = TRAIN.slice(0, 40).map((example, index) => ({
      ...example,
      facts: madeRouterFacts("unknown", `${index}`),
    }));
    expect(confidenceOf(load(train(mute)), "unknown", "anything", "small")).toBeGreaterThan(0);
  });

  test("without an example with text throws", () => {
    expect(() => train([])).toThrow("at least one example");
    const dumb = TRAIN.map(({ facts, ...rest }) => ({ ...rest, facts: { ...facts, text: null } }));
    expect(() => train(dumb)).toThrow("at least one example");
  });
});

describe("a file", () => {
  const whole = ((): ModelFile => {
    const file = decodeModelFile(BYTES);
    if (!file.ok) throw new Error(file.fault.message);
    return file.value;
  })();
  const changed = (change: Partial<ModelFile>): string =>
    codeOf(encodeModelFile({ ...whole, ...change }));

  test("that is cut, changed, empty or something else is refused", () => {
    expect(codeOf(BYTES.slice(0, BYTES.length / 2))).toBe("damaged");
    const flipped = BYTES.slice();
    flipped[BYTES.length - 100] = (flipped[BYTES.length - 100] ?? 0) ^ 1;
    expect(codeOf(flipped)).toBe("damaged");
    expect(codeOf(new Uint8Array())).toBe("not-a-model");
    expect(codeOf(new TextEncoder().encode("a text of another kind altogether"))).toBe(
      "not-a-model",
    );
  });

  test("of another model, schema or features is refused", () => {
    expect(changed({})).toBe("ok");
    expect(changed({ kind: "length" })).toBe("unfit");
    expect(changed({ schema: 1 })).toBe("other-version");
    expect(changed({ features: whole.features.slice(1) })).toBe("unfit");
  });

  test("with a part missing or of another shape is refused", () => {
    for (const name of Object.keys(whole.sections)) {
      const { [name]: part, ...rest } = whole.sections;
      expect([name, changed({ sections: rest })]).toEqual([name, "unfit"]);
      expect(part).toBeDefined();
      const short = { ...whole.sections, [name]: new Uint16Array(3) };
      expect([name, changed({ sections: short })]).toEqual([name, "unfit"]);
    }
  });
});
