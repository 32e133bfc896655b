import { describe, expect, test } from "vitest";
import type { Estimate } from "../../src/core/types.ts";
import { systemClock } from "../../src/engine/clock.ts";
import { ColdStart } from "../../src/predict/cold-start.ts";
import { LearnedPredictor } from "../../src/predict/learned-predictor.ts";
import { LearnedEstimator, loadLearned } from "../../src/predict/learned.ts";
import { factsOf, MADE_CASES, makeLearnedFiles } from "./learned-made.ts";

const files = makeLearnedFiles();
const { length } = files;
const cases = MADE_CASES;
const base = new ColdStart({ confidence: { small: 0.4, large: 0.6, other: 0.3 } });
const models = ["small", "large", "other"];

function pick(estimates: readonly Estimate[], model: string): Estimate {
  const found = estimates.find((each) => each.model === model);
  if (found === undefined) throw new Error(model);
  return found;
}

describe("learned models", () => {
  test("say lengths and confidence where they have learned, and leave the rest", () => {
    const loaded = loadLearned(files);
    if (!loaded.ok) throw new Error(loaded.message);
    const estimator = new LearnedEstimator(loaded.models, base);
    const hard = estimator.estimate(factsOf(cases[0]?.facts.text?.user ?? ""), models);
    const easy = estimator.estimate(factsOf(cases[1]?.facts.text?.user ?? ""), models);
    expect(pick(hard, "small").remainingMean).toBeGreaterThan(
      2 * pick(easy, "small").remainingMean,
    );
    expect(pick(hard, "small").confidence).toBeLessThan(pick(easy, "small").confidence);
    expect(pick(hard, "large").confidence).toBeGreaterThan(pick(hard, "small").confidence);
    expect(pick(hard, "other").confidence).toBe(0.3);
    expect(pick(hard, "small").source).toContain("forest");
  });

  test("give way to what the client says of lengths", () => {
    const loaded = loadLearned(files);
    if (!loaded.ok) throw new Error(loaded.message);
    const estimator = new LearnedEstimator(loaded.models, base);
    const facts = factsOf("add 1 and 2", { expectedOutputTokens: 5000, callsLeft: 0 });
    expect(pick(estimator.estimate(facts, models), "small").remainingMean).toBeGreaterThan(1000);
  });

  test("a damaged file is refused with a reason", () => {
    const damaged = length.slice();
    damaged.set([255, 0, 255, 0], damaged.length - 9);
    expect(loadLearned({ ...files, length: damaged })).toMatchObject({ ok: false });
  });

  test("answer from a thread as they do here, completed by the estimator", async () => {
    const problems: string[] = [];
    const predictor = new LearnedPredictor({
      files,
      base,
      clock: systemClock,
      onProblem: (message) => problems.push(message),
    });
    expect(await predictor.ready()).toBe(true);
    const loaded = loadLearned(files);
    if (!loaded.ok) throw new Error(loaded.message);
    const here = new LearnedEstimator(loaded.models, base);
    const facts = factsOf(cases[0]?.facts.text?.user ?? "");
    const answer = await predictor.predict(facts, models, Number.POSITIVE_INFINITY);
    const expected = here.estimate(facts, models);
    expect(answer?.map(({ source: _source, ...numbers }) => numbers)).toEqual(
      expected.map(({ source: _source, ...numbers }) => numbers),
    );
    await predictor.close();
    expect(problems).toEqual([]);
  });
});
