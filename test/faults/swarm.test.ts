import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { testSeed } from "../seed.ts";
import { runSwarm } from "./swarm.ts";

const SEEDS = 50;
/** Runs after which code is compiled and pools are filled. */
const WARM_SEEDS = 25;
/** Heap that a run may leave behind, bytes; what the metrics of one closed gateway hold is more. */
const LEFT_BYTES_MAX = 60_000;

/** Every end of a client and every fault. */
const KINDS: readonly string[] = [
  "answered",
  "corrupt",
  "delay",
  "drip",
  "garbage",
  "half-open",
  "left",
  "none",
  "refused",
  "reset",
  "stall",
  "status",
  "told-in-stream",
  "truncate",
  "unreached",
];

const warnings: string[] = [];
const onWarning = (warning: Error): void => void warnings.push(warning.message);

beforeAll(() => void process.on("warning", onWarning));
afterAll(() => void process.off("warning", onWarning));

test("random faults, loads and departures: one outcome each, nothing left behind", async () => {
  const violations: string[] = [];
  const seen = new Set<string>();
  let warmBytes = 0;
  for (let index = 0; index < SEEDS; index++) {
    const report = await runSwarm(testSeed + index);
    violations.push(...report.violations.map((claim) => `seed ${report.seed}: ${claim}`));
    for (const name of [...Object.keys(report.ends), ...Object.keys(report.faults)]) seen.add(name);
    if (index === WARM_SEEDS - 1) warmBytes = heapBytes();
  }
  expect(violations).toEqual([]);
  // Swarms that draw too little would be green too.
  expect([...seen].filter((name) => name !== "broken").toSorted()).toEqual(KINDS);
  expect(warnings.filter((warning) => warning.includes("leak"))).toEqual([]);
  expect((heapBytes() - warmBytes) / (SEEDS - WARM_SEEDS)).toBeLessThan(LEFT_BYTES_MAX);
}, 120_000);

/** Used heap after a full collection. */
function heapBytes(): number {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  collect();
  return process.memoryUsage().heapUsed;
}
