import { describe, expect, test } from "vitest";
import { createRandom } from "../core/random.ts";
import { type CourseDraw, drawCourses, drawProblem } from "./generated-course.ts";
import { type Domain, DOMAINS, mixtureOf } from "./generated-models.ts";

const SEED = 41;
const PROBLEMS = 40_000;
const DOMAIN_NAMES: readonly Domain[] = ["code", "math"];

interface Drawn extends CourseDraw {
  readonly difficulty: number;
  readonly shape: string;
  readonly tokens: number;
}

function draw(domain: Domain, problems: number): Map<string, Drawn[]> {
  const random = createRandom(SEED);
  const byModel = new Map<string, Drawn[]>();
  for (let index = 0; index < problems; index++) {
    const problem = drawProblem(domain, random);
    for (const course of drawCourses(problem, random)) {
      const tokens = course.stageTokens.reduce((sum, each) => sum + each, 0);
      const { difficulty, shape } = problem;
      const drawn = { ...course, difficulty, shape: shape.name, tokens };
      const list = byModel.get(course.model);
      if (list === undefined) byModel.set(course.model, [drawn]);
      else list.push(drawn);
    }
  }
  return byModel;
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;
const deviation = (values: readonly number[]): number => {
  const centre = mean(values);
  return Math.sqrt(mean(values.map((value) => (value - centre) ** 2)));
};
const tokensOf = (courses: readonly Drawn[]): number[] => courses.map((course) => course.tokens);
const solvedShare = (courses: readonly Drawn[]): number =>
  mean(courses.map((course) => (course.solved ? 1 : 0)));

/** Paper, evaluation: output tokens of whole workflows. */
const PAPER: Readonly<Record<string, readonly [mean: number, deviation: number]>> = {
  "code Qwen2.5-1.5B-Instruct": [447, 1276],
  "code Qwen2.5-14B-Instruct": [649, 534],
  "math Qwen2.5-1.5B-Instruct": [606, 2587],
  "math Qwen2.5-14B-Instruct": [709, 715],
};

describe.each(DOMAIN_NAMES)("generated %s workflows", (domain) => {
  const byModel = draw(domain, PROBLEMS);
  const { models, shapes } = DOMAINS[domain];

  test.each(models)("$model has the lengths of its profile within 6 %", (model) => {
    const [paperMean, paperDeviation] = PAPER[`${domain} ${model.model}`] ?? [
      model.meanTokens,
      model.deviationTokens,
    ];
    const tokens = tokensOf(byModel.get(model.model) ?? []);
    expect(tokens).toHaveLength(PROBLEMS);
    expect(Math.abs(mean(tokens) / paperMean - 1)).toBeLessThan(0.06);
    expect(Math.abs(deviation(tokens) / paperDeviation - 1)).toBeLessThan(0.06);
  });

  test("Llama 3B and Ministral 8B have tails up to 16-24 thousand tokens", () => {
    for (const name of ["Llama-3.2-3B-Instruct", "Ministral-3-8B-Instruct"]) {
      const longest = tokensOf(byModel.get(name) ?? []).reduce((a, b) => Math.max(a, b), 0);
      expect(longest).toBeGreaterThan(15_000);
      expect(longest).toBeLessThan(24_100);
    }
  });

  test.each(models)(
    "$model: failing runs are longer, harder problems longer and rarer solved",
    ({ model }) => {
      const courses = byModel.get(model) ?? [];
      const solved = courses.filter((course) => course.solved);
      const failed = courses.filter((course) => !course.solved);
      expect(mean(tokensOf(failed))).toBeGreaterThan(1.5 * mean(tokensOf(solved)));
      const easy = courses.filter((course) => course.difficulty < -0.5);
      const hard = courses.filter((course) => course.difficulty > 0.5);
      expect(mean(tokensOf(hard))).toBeGreaterThan(1.3 * mean(tokensOf(easy)));
      expect(solvedShare(easy)).toBeGreaterThan(1.5 * solvedShare(hard));
    },
  );

  test("larger models solve more, and every workflow is as frequent as the others", () => {
    const shares = ["1.5B", "3B", "7B", "14B"].map((size) =>
      solvedShare(byModel.get(`Qwen2.5-${size}-Instruct`) ?? []),
    );
    expect(shares.toSorted((a, b) => a - b)).toEqual(shares);
    const [any = []] = byModel.values();
    for (const { name, roles } of shapes) {
      const courses = any.filter((course) => course.shape === name);
      expect(courses.length / any.length).toBeCloseTo(1 / shapes.length, 1);
      expect(courses.every((course) => course.stageTokens.length === roles.length)).toBe(true);
    }
  });
});

test("shapes of a domain average to 1 in length and share out all tokens", () => {
  for (const { shapes } of Object.values(DOMAINS)) {
    expect(mean(shapes.map((shape) => shape.length))).toBeCloseTo(1, 12);
    for (const { roles, shares } of shapes) {
      expect(shares).toHaveLength(roles.length);
      expect(shares.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
    }
  }
});

test("a mixture has the moments that it was asked for", () => {
  for (const { models, shapes } of Object.values(DOMAINS)) {
    for (const model of models) {
      const { runawayChance, bodyMean, bodyLogDeviation } = mixtureOf(model, shapes);
      const { from, to } = model.runaway ?? { from: 0, to: 0 };
      const shapeSquare = mean(shapes.map(({ length }) => length * length));
      const bodySquare = bodyMean ** 2 * Math.exp(bodyLogDeviation ** 2) * shapeSquare;
      const square =
        (runawayChance * (from * from + from * to + to * to)) / 3 +
        (1 - runawayChance) * bodySquare;
      const first = (runawayChance * (from + to)) / 2 + (1 - runawayChance) * bodyMean;
      expect(first).toBeCloseTo(model.meanTokens, 6);
      expect(Math.sqrt(square - first * first)).toBeCloseTo(model.deviationTokens, 6);
    }
  }
});
