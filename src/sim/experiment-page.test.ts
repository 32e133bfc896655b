import { describe, expect, test } from "vitest";
import { checksOf, equalScoreSpeed } from "./experiment-checks.ts";
import { comparisonsOf, windowsOf } from "./experiment-comparison.ts";
import { parseExperiment } from "./experiment-file.ts";
import { checkLines, experimentPage, type Section } from "./experiment-page.ts";
import type { Experiment } from "./experiment.ts";
import { QUANTILE_SHARES, type TrialResult } from "./experiment-run.ts";
import { drawFigure } from "./figure.ts";
import { figuresOf } from "./figure-spec.ts";

const TEXT = `
name: made-up
title: Made up
about: Numbers chosen by hand.
view: recorded
workloads:
  - { name: one, models: [a, b], recorded: { runs: r.gz, tasks: t.gz } }
  - { name: two, models: [a, b], recorded: { runs: r.gz, tasks: t.gz } }
engines:
  a: { baseMs: 10, kvTokens: 1000 }
  b: { baseMs: 20, kvTokens: 1000 }
batchLimits: [16]
arrivals: poisson
loads: [0.5, 0.95]
workflows: 10
seeds: [1, 2]
baseline: balancer
policies:
  - balancer
  - paper
  - ltr
  - auto-stjf
  - auto
  - { policy: auto, sweep: { price: [0.1, 0.4] } }
paper:
  - { workload: one, against: balancer, speed: 3.4, points: 16 }
`;

function experimentOf(text: string): Experiment {
  const result = parseExperiment(text, "made-up.yaml", false);
  if (!result.ok) throw new Error(result.problems.join("\n"));
  return result.experiment;
}

interface Numbers {
  readonly policy: string;
  readonly msPerToken: number;
  readonly score: number;
  readonly longest?: number;
}

/** A result with these numbers, at load .95 of the first workload unless changed. */
function result(numbers: Numbers, changes: Partial<TrialResult> = {}): TrialResult {
  const { policy, msPerToken, score, longest = 100 } = numbers;
  const times = { mean: msPerToken, p50: 1, p95: msPerToken * 100, p99: 1, longest };
  return {
    experiment: "made-up",
    workload: "one",
    batchLimit: 16,
    rate: { unit: "load", value: 0.95 },
    predictor: "cold-start",
    policy,
    family: policy.startsWith("auto price") ? "auto" : policy,
    seed: 1,
    workflowsPerSecond: 1,
    capacityPerSecond: 1,
    report: {
      policy,
      workflows: 10,
      completed: 10,
      failed: {},
      scoreMean: score,
      msPerToken: times,
      completionMs: times,
      queueWaitMs: times,
      modelShares: {},
      requests: 10,
    },
    quantiles: {
      msPerToken: QUANTILE_SHARES.map((share) => msPerToken * (0.5 + share)),
      queueWaitMs: QUANTILE_SHARES.map((share) => 1000 * share),
    },
    ...changes,
  };
}

const GOOD: readonly Numbers[] = [
  { policy: "balancer", msPerToken: 100, score: 0.4 },
  { policy: "paper", msPerToken: 80, score: 0.44 },
  { policy: "ltr", msPerToken: 60, score: 0.4 },
  { policy: "auto-stjf", msPerToken: 50, score: 0.45, longest: 200 },
  { policy: "auto", msPerToken: 50, score: 0.46 },
  { policy: "auto price 0.1", msPerToken: 200, score: 0.5 },
  { policy: "auto price 0.4", msPerToken: 40, score: 0.42 },
];

describe("the checks of recorded runs", () => {
  const holding = checksOf(windowsOf(GOOD.map((numbers) => result(numbers))));

  test("hold where speed and score are reached together", () => {
    expect(holding.map((check) => check.holds)).toEqual([
      true, // x2 and +6
      false, // aim +7
      null, // only one load
      null,
      true,
      true,
      true,
      true,
    ]);
    expect(holding[0]?.measured).toBe("x2.00 and +6.0");
  });

  test("name where the policy is worse in both", () => {
    const slow = { policy: "auto", msPerToken: 120, score: 0.3 };
    const half = { rate: { unit: "load", value: 0.5 } } as const;
    const results = [
      ...GOOD.map((numbers) => result(numbers)),
      ...GOOD.map((numbers) => result(numbers.policy === "auto" ? slow : numbers, half)),
    ];
    const check = checksOf(windowsOf(results))[3];
    expect(check?.holds).toBe(false);
    expect(check?.measured).toContain("one at 0.5: x0.83 -10.0");
  });

  test("are not decided by runs that were not made", () => {
    expect(checksOf([]).map((check) => check.holds)).toEqual(Array(8).fill(null));
  });

  test("compare at equal score along the sweep", () => {
    const windows = windowsOf(GOOD.map((numbers) => result(numbers)));
    // Half way from (0.42, 40) to (0.46, 50).
    expect(equalScoreSpeed(windows, "auto", "paper")).toBeCloseTo(80 / Math.sqrt(40 * 50));
    // Below the lowest score of the sweep its quickest point serves.
    expect(equalScoreSpeed(windows, "auto", "ltr")).toBeCloseTo(60 / 40);
    expect(equalScoreSpeed(windows, "ltr", "paper")).toBeNull();
    expect(equalScoreSpeed([], "auto", "paper")).toBeNull();
    expect(comparisonsOf(windows, "auto", "none")).toEqual([]);
  });
});

/** As a reader sees it: cells without the blanks that line them up. */
function cells(page: string): string {
  return page.replaceAll(/ +\|/g, " |").replaceAll(/\| +/g, "| ");
}

describe("the page", () => {
  const results = [1, 2].flatMap((seed) =>
    ["one", "two"].flatMap((workload) =>
      GOOD.map((numbers) => result(numbers, { seed, workload })),
    ),
  );
  const sectionOf = (text: string, ran = true): Section => {
    const experiment = experimentOf(text);
    return ran
      ? { experiment, results, skipped: null, figures: figuresOf(experiment, results) }
      : { experiment, results: null, skipped: "r.gz not found", figures: [] };
  };

  test("says that it is the quick run, how to repeat it, and what was skipped", () => {
    const page = experimentPage({ isQuick: true, sections: [sectionOf(TEXT, false)] });
    expect(page).toContain("This is the quick run");
    expect(page).toContain("Not run: r.gz not found.");
    const full = experimentPage({ isQuick: false, sections: [sectionOf(TEXT)] });
    expect(full).toContain("This is the full run");
    expect(full).toContain(
      "`npm run evaluate -- --only made-up`; 10 workflows a window; seeds 1, 2",
    );
  });

  test("has a row for every policy, a verdict for every claim, and no cell that is not a number", () => {
    const section = sectionOf(TEXT);
    const page = experimentPage({ isQuick: false, sections: [section] });
    expect(cells(page)).toContain("| auto | 50.0 | 0.460 | x2.00 | 2.00 to 2.00 |");
    expect(cells(page).match(/\| holds \|/g)).toHaveLength(5);
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
    expect(checkLines([section])).toHaveLength(8);
  });

  test("says plainly where the default is dominated, and where it is not", () => {
    expect(experimentPage({ isQuick: false, sections: [sectionOf(TEXT)] })).toContain(
      "No policy dominates `auto` at its default",
    );
    const best = { policy: "stjf", msPerToken: 45, score: 0.47 };
    const page = experimentPage({
      isQuick: false,
      sections: [{ ...sectionOf(TEXT), results: [...results, result(best)] }],
    });
    expect(page).toContain("in 1 of 2:");
    expect(page).toContain("- one, at load 0.95, batch limit 16, predictor cold-start: stjf");
  });

  test("shows the paper's numbers beside ours and says when the direction differs", () => {
    const page = experimentPage({
      isQuick: false,
      sections: [sectionOf(TEXT.replace("view: recorded", "view: paper"))],
    });
    expect(cells(page)).toContain(
      "| one | balancer | x3.40 | +16.0 | x1.25 | 1.25 to 1.25 | +4.0 |",
    );
    expect(cells(page)).toMatch(/\| same \|/);
  });

  test("draws every figure, the same each time", async () => {
    const { figures } = sectionOf(TEXT);
    expect(figures.map((figure) => figure.name)).toEqual([
      "made-up-frontier",
      "made-up-latency",
      "made-up-waits",
    ]);
    for (const figure of figures) {
      const drawn = await drawFigure(figure);
      expect(drawn.startsWith("<svg")).toBe(true);
      expect(drawn).toContain("balancer");
      expect(drawn).not.toContain("NaN");
      expect(await drawFigure(figure)).toBe(drawn);
    }
  });
});
