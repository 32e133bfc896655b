import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { parseExperiment, readExperiment } from "./experiment-file.ts";
import { trialsOf, type Experiment } from "./experiment.ts";

const FOLDER = fileURLToPath(new URL("../../experiments/", import.meta.url));

const TEXT = `
name: small
title: A small one
about: Two models.
view: comparison
workloads:
  - { name: code, models: [a, b], generated: { domain: code, problems: 20 } }
engines:
  a: { baseMs: 10, kvTokens: 1000 }
  b: { baseMs: 20, kvTokens: 1000, replicas: 2 }
batchLimits: [4, 8]
arrivals: poisson
loads: [0.5, 0.9]
workflows: 10
seeds: [1, 2, 3]
baseline: balancer
policies:
  - balancer
  - { policy: auto, label: no late choice, set: { lateChoiceRequestsMax: 0, overCommit: 0 } }
  - { policy: auto, sweep: { price: [0.1, 0.4] } }
quick: { seeds: [7], loads: [0.9], policies: [balancer, auto] }
`;

function parsed(text: string, isQuick = false): Experiment {
  const result = parseExperiment(text, "small.yaml", isQuick);
  if (!result.ok) throw new Error(result.problems.join("\n"));
  return result.experiment;
}

function problemsOf(text: string): readonly string[] {
  const result = parseExperiment(text, "small.yaml", false);
  return result.ok ? [] : result.problems;
}

describe("an experiment file", () => {
  test("is every combination of its lists, the policies of one window together", () => {
    const experiment = parsed(TEXT);
    const trials = trialsOf(experiment);
    expect(trials).toHaveLength(2 * 2 * 3 * 4);
    expect(trials.slice(0, 4).map((trial) => trial.variant.label)).toEqual([
      "balancer",
      "no late choice",
      "auto price 0.1",
      "auto price 0.4",
    ]);
    expect(new Set(trials.slice(0, 4).map((trial) => trial.seed))).toEqual(new Set([1]));
  });

  test("changes the core's policies, and nothing else of them", () => {
    const [, late, cheap] = parsed(TEXT).variants;
    expect(late).toMatchObject({ overCommit: 0, sweep: null });
    expect(late?.policy).toMatchObject({ choice: "auto", price: 0.2, lateChoiceRequestsMax: 0 });
    expect(cheap).toMatchObject({ overCommit: 1, sweep: { family: "auto", value: 0.1 } });
    expect(cheap?.policy).toMatchObject({ price: 0.1, lateChoiceRequestsMax: 48 });
  });

  test("has a quick part that keeps what it names", () => {
    const experiment = parsed(TEXT, true);
    expect(experiment.seeds).toEqual([7]);
    expect(experiment.rates).toEqual([{ unit: "load", value: 0.9 }]);
    expect(experiment.batchLimits).toEqual([4, 8]);
    expect(experiment.variants.map((variant) => variant.label)).toEqual([
      "balancer",
      "auto price 0.1",
      "auto price 0.4",
    ]);
  });

  test("tells all that is wrong with its values at once", () => {
    const wrong = TEXT.replace("workflows: 10", "workflows: 0")
      .replace("arrivals: poisson", "arrivals: often")
      .replace("baseMs: 10", "baseMs: 0");
    const problems = problemsOf(wrong);
    expect(problems).toHaveLength(3);
    for (const place of ["workflows", "arrivals", "engines.a"]) {
      expect(problems.some((line) => line.startsWith(`small.yaml: ${place}: `))).toBe(true);
    }
  });

  test("tells all names that lead nowhere at once", () => {
    const wrong = TEXT.replace("models: [a, b]", "models: [a, c]")
      .replace("baseline: balancer", "baseline: bal")
      .replace("policies: [balancer, auto]", "policies: [auto, other]");
    expect(problemsOf(wrong)).toHaveLength(4);
    expect(problemsOf(TEXT.replace("  - balancer", "  - best"))).toEqual([
      expect.stringContaining('policies.0: "best" is not one of auto'),
    ]);
    const twice = TEXT.replace("  - balancer", "  - balancer\n  - balancer");
    expect(problemsOf(twice)).toEqual(['small.yaml: policies: "balancer" is there twice']);
  });

  test("gives loads or rates, and says when it gives both, or is no YAML", () => {
    expect(problemsOf(`${TEXT}callsPerSecond: [8]\n`)).toEqual([
      "small.yaml: document: give either loads or callsPerSecond",
    ]);
    expect(problemsOf("a: [")).toHaveLength(1);
    const rates = parsed(TEXT.replace("loads: [0.5, 0.9]", "callsPerSecond: [8]"));
    expect(rates.rates).toEqual([{ unit: "calls/s", value: 8 }]);
  });
});

test.each(readdirSync(FOLDER))(
  "experiments/%s is valid, and so is its quick part",
  async (file) => {
    const full = await readExperiment(`${FOLDER}${file}`, false);
    const quick = await readExperiment(`${FOLDER}${file}`, true);
    expect([full.ok ? [] : full.problems, quick.ok]).toEqual([[], true]);
    if (!full.ok || !quick.ok) return;
    expect(full.experiment.seeds.length).toBeGreaterThanOrEqual(5);
    expect(quick.experiment.seeds.length).toBeGreaterThanOrEqual(3);
    expect(trialsOf(quick.experiment).length).toBeLessThan(trialsOf(full.experiment).length);
  },
);
