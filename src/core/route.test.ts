import { describe, expect, test } from "vitest";
import { AUTO, Bench, engine, estimate, PAPER } from "../../test/core/fixture.ts";
import { queueView } from "./queue-view.ts";
import type { Candidate, Estimate, Policy } from "./types.ts";

const fast = engine("fast", "small");
const slow = engine("slow", "large", {
  profileMsPerToken: 40,
  speed: { baseMs: 40, perSequenceMs: 0, perKvTokenMs: 0, perPromptTokenMs: 0 },
});

function both(small: number, large: number, tokens: number) {
  return [estimate("small", small, tokens), estimate("large", large, tokens)];
}

describe("paper: Algorithm 1 to the letter", () => {
  test("idle engines have no load, so the more confident model wins whatever the slack", () => {
    const bench = new Bench([fast, slow], { ...PAPER, slack: 0 });
    bench.arrive("a", both(0.3, 0.9, 100));
    expect(bench.decisionOf("a")).toMatchObject({
      engine: "slow",
      rule: "confidence-within-slack",
    });
  });

  test("a gain below delta_s, or a load beyond the slack, leaves the quickest", () => {
    const bench = new Bench([fast, slow], PAPER);
    bench.arrive("a", both(0.5, 0.55, 100));
    expect(bench.decisionOf("a")).toMatchObject({ engine: "fast", rule: "quickest" });
    bench.arrive("b", both(0.2, 0.9, 100));
    expect(bench.decisionOf("b")?.engine).toBe("slow");
    bench.arrive("c", both(0.2, 0.9, 100));
    const decision = bench.decisionOf("c");
    // L: fast 100 x 10, slow 100 x 40 > (1 + 1) x 1000
    expect(decision).toMatchObject({ engine: "fast", rule: "quickest" });
    expect(decision?.candidates).toMatchObject([
      { engine: "fast", waitMs: 1000, excluded: null },
      { engine: "slow", waitMs: 4000, excluded: "slack" },
    ]);
  });

  test("own work is added to both sides when asked for", () => {
    const bench = new Bench([fast, slow], { ...PAPER, ownWork: true });
    bench.arrive("a", both(0.3, 0.9, 100));
    expect(bench.decisionOf("a")).toMatchObject({ engine: "fast", rule: "quickest" });
  });

  test("with delta_s 0 the first model in order of confidence that is in the slack serves", () => {
    const bench = new Bench([fast, slow], { ...PAPER, minGain: 0 });
    bench.arrive("a", both(0.5, 0.5, 100));
    expect(bench.decisionOf("a")).toMatchObject({ engine: "fast" });
  });

  test("of two replicas the one with less in flight stands for the model", () => {
    const replica = engine("slow-2", "large", { profileMsPerToken: 40 });
    const bench = new Bench([fast, slow, replica], PAPER);
    bench.arrive("a", both(0.1, 0.9, 100));
    bench.arrive("b", both(0.1, 0.9, 50));
    expect(bench.decisionOf("a")?.engine).toBe("slow");
    expect(bench.decisionOf("b")?.engine).toBe("slow-2");
  });

  test("prices by the median, and the request's own knobs come before the policy's", () => {
    const bench = new Bench([fast, slow], PAPER);
    const wide = { ...estimate("large", 0.9, 100), remainingMean: 9999 };
    bench.arrive("a", [estimate("small", 0.1, 100), wide]);
    expect(bench.decisionOf("a")?.remainingTokens).toBe(100);
    bench.arrive("b", both(0.1, 0.9, 100), { knobs: { minGain: 0.95 } });
    expect(bench.decisionOf("b")?.engine).toBe("fast");
  });
});

const candidateBetween = (policy: Policy): Candidate | undefined => {
  const bench = new Bench([fast], policy);
  bench.arrive("running", [estimate("small", 0.5, 100)]);
  bench.arrive("long", [estimate("small", 0.5, 400)]);
  bench.arrive("short", [estimate("small", 0.5, 50)]);
  bench.arrive("middle", [estimate("small", 0.5, 200)]);
  return bench.decisionOf("middle")?.candidates[0];
};

const candidatesOf = (policy: Policy): readonly Candidate[] => {
  const bench = new Bench([fast], policy);
  bench.arrive("running", [estimate("small", 0.5, 100)]);
  bench.arrive("long", [estimate("small", 0.5, 400)]);
  bench.arrive("middle", [estimate("small", 0.5, 200)]);
  return bench.decisionOf("middle")?.candidates ?? [];
};

const startedFirst = (policy: Policy, ids: readonly [Estimate, Estimate]): string[] => {
  const bench = new Bench([{ ...fast, maxSequences: 1 }], policy);
  bench.arrive("runs", [estimate("small", 0.5, 10)]);
  bench.arrive("x", [ids[0]]);
  bench.arrive("y", [ids[1]]);
  return queueView(bench.state, 8, 8).map(({ requestId }) => requestId);
};

describe("auto: score minus price times time", () => {
  test("own time is paid for even when both engines are idle", () => {
    const bench = new Bench([fast, slow], AUTO);
    // T0 = 1000 ms: .2 x (4000 - 1000) / 1000 = .6 of score for the large model's time
    bench.arrive("a", both(0.3, 0.85, 100));
    expect(bench.decisionOf("a")).toMatchObject({ engine: "fast", rule: "price" });
    const quality = new Bench([fast, slow], { ...AUTO, price: 0.1 });
    quality.arrive("a", both(0.3, 0.85, 100));
    expect(quality.decisionOf("a")?.engine).toBe("slow");
  });

  test("waits for what runs and what sorts before it, and delays what sorts after it", () => {
    const candidate = candidateBetween(AUTO);
    // one token takes 10 ms: the 100 that run, 50 before it; 200 own tokens before "long"
    expect(candidate).toMatchObject({ waitMs: 1500, ownMs: 2000, delayMs: 2000, waiting: 2 });
  });

  test("counts one stage of what runs where the policy says so", () => {
    const candidate = candidateBetween({ ...AUTO, countsRunning: false });
    // 50 tokens before it and a mean stage
    expect(candidate?.waitMs).toBeCloseTo(10 * (50 + (100 + 400 + 50) / 3));
  });

  test("the slack cap leaves out engines that are slower than it allows", () => {
    const bench = new Bench([fast, slow], { ...AUTO, price: 0, slack: 1 });
    bench.arrive("a", both(0.3, 0.9, 100));
    expect(bench.decisionOf("a")).toMatchObject({ engine: "fast" });
    expect(bench.decisionOf("a")?.candidates[1]).toMatchObject({ excluded: "slack" });
  });
});

describe("what the price counts", () => {
  test("no delay of others where the policy leaves it out", () => {
    expect(candidatesOf(AUTO)[0]?.delayMs).toBe(2000);
    expect(candidatesOf({ ...AUTO, countsDelay: false })[0]?.delayMs).toBe(0);
  });

  test("the profiled time per token in the place of the live batch's", () => {
    const bench = new Bench([slow], { ...AUTO, liveBatch: false });
    bench.arrive("a", [estimate("large", 0.5, 100)]);
    expect(bench.decisionOf("a")?.candidates[0]?.ownMs).toBe(100 * slow.profileMsPerToken);
  });
});

describe("what the order goes by", () => {
  const steady = { ...estimate("small", 0.5, 100), remainingRange: [90, 110] as const };
  const wild = {
    ...steady,
    remainingMean: 80,
    remainingMedian: 120,
    remainingRange: [5, 900] as const,
  };

  test("the mean by default, the median or the end of the range where the policy says so", () => {
    expect(startedFirst(AUTO, [steady, wild])).toEqual(["y", "x"]);
    expect(startedFirst({ ...AUTO, orderBy: "median" }, [steady, wild])).toEqual(["x", "y"]);
    expect(startedFirst({ ...AUTO, orderBy: "range-end" }, [wild, steady])).toEqual(["y", "x"]);
  });

  test("without a range, its end is the mean", () => {
    const [plain, less] = [estimate("small", 0.5, 100), estimate("small", 0.5, 50)];
    expect(startedFirst({ ...AUTO, orderBy: "range-end" }, [plain, less])).toEqual(["y", "x"]);
  });
});

describe("baselines", () => {
  test("static: the quicker model when alone, or the slower one", () => {
    const small = new Bench([fast, slow], { ...AUTO, choice: "smallest-model" });
    const large = new Bench([fast, slow], { ...AUTO, choice: "largest-model" });
    for (const bench of [small, large]) {
      for (const id of ["a", "b", "c"]) bench.arrive(id, both(0.1, 0.9, 10));
    }
    expect(["a", "b", "c"].map((id) => small.decisionOf(id)?.engine)).toEqual(
      Array(3).fill("fast"),
    );
    expect(["a", "b", "c"].map((id) => large.decisionOf(id)?.engine)).toEqual(
      Array(3).fill("slow"),
    );
    expect(small.decisionOf("a")?.candidates[1]?.excluded).toBe("model");
  });

  test("quickest looks at time alone, most-confident at confidence alone", () => {
    const quickest = new Bench([fast, slow], { ...AUTO, choice: "quickest" });
    quickest.arrive("a", both(0.1, 0.9, 100));
    expect(quickest.decisionOf("a")).toMatchObject({ engine: "fast", rule: "quickest" });
    const confident = new Bench([fast, slow], { ...AUTO, choice: "most-confident" });
    for (const id of ["a", "b"]) confident.arrive(id, both(0.1, 0.9, 100));
    expect(confident.decisionOf("b")).toMatchObject({ engine: "slow", rule: "confidence" });
  });

  test("weighted: confidence less the weight times the share of the slowest candidate's time", () => {
    const bench = new Bench([fast, slow], { ...AUTO, choice: "weighted", price: 0.5 });
    // 100 tokens: 1000 ms and 4000 ms alone
    bench.arrive("a", both(0.3, 0.6, 100));
    const [first, second] = bench.decisionOf("a")?.candidates ?? [];
    expect(first?.value).toBeCloseTo(0.3 - (0.5 * 1000) / 4000);
    expect(second?.value).toBeCloseTo(0.6 - 0.5);
    expect(bench.decisionOf("a")?.engine).toBe("fast");
  });

  test("balancer: least 4 x waiting + running, the earlier engine on a tie", () => {
    const policy = { ...AUTO, choice: "balancer" as const, order: "fcfs" as const };
    const bench = new Bench([fast, slow], policy);
    for (const id of ["a", "b", "c", "d"]) bench.arrive(id, both(0.5, 0.5, 10));
    const engines = ["a", "b", "c", "d"].map((id) => bench.decisionOf(id)?.engine);
    expect(engines).toEqual(["fast", "slow", "fast", "slow"]);
  });

  test("round robin takes turns, least-tokens looks at the ledger, random is seeded", () => {
    const turns = new Bench([fast, slow], { ...AUTO, choice: "round-robin" });
    for (const id of ["a", "b", "c"]) turns.arrive(id, both(0.5, 0.5, 10));
    expect(["a", "b", "c"].map((id) => turns.decisionOf(id)?.engine)).toEqual([
      "fast",
      "slow",
      "fast",
    ]);
    const tokens = new Bench([fast, slow], { ...AUTO, choice: "least-tokens" });
    tokens.arrive("a", both(0.5, 0.5, 100));
    tokens.arrive("b", both(0.5, 0.5, 10));
    tokens.arrive("c", both(0.5, 0.5, 10));
    expect(["b", "c"].map((id) => tokens.decisionOf(id)?.engine)).toEqual(["slow", "slow"]);
    const draws = [1, 2].map(() => {
      const random = new Bench([fast, slow], { ...AUTO, choice: "random" });
      const ids = Array.from({ length: 40 }, (_, index) => `r${index}`);
      for (const id of ids) random.arrive(id, both(0.5, 0.5, 10));
      return ids.map((id) => random.decisionOf(id)?.engine);
    });
    expect(draws[0]).toEqual(draws[1]);
    expect(new Set(draws[0])).toEqual(new Set(["fast", "slow"]));
  });
});
