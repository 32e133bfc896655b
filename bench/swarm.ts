/**
 * Many runs of the fault swarm: `npm run bench -- swarm [RUNS] [FIRST_SEED]`. Prints each claim that
 * failed with its seed, and the heap after collection along the way.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { runSwarm } from "../test/faults/swarm.ts";

const RUNS = 1000;
const PRINTS = 10;

export async function run(print: (line: string) => void): Promise<void> {
  const runs = Number(process.argv[3] ?? RUNS);
  const firstSeed = Number(process.argv[4] ?? 1);
  const totals: Record<string, number> = {};
  let failed = 0;
  const beganMs = performance.now();
  for (let index = 0; index < runs; index++) {
    const { seed, ends, faults, violations } = await runSwarm(firstSeed + index);
    for (const [name, count] of Object.entries({ ...ends, ...faults })) {
      totals[name] = (totals[name] ?? 0) + count;
    }
    if (violations.length > 0) failed++;
    for (const violation of violations) print(`seed ${seed}: ${violation}`);
    if ((index + 1) % Math.max(1, Math.floor(runs / PRINTS)) === 0) {
      print(`${index + 1} runs, ${failed} with violations, heap ${heapMb()} MB`);
    }
  }
  print(JSON.stringify(totals));
  print(`${((performance.now() - beganMs) / runs).toFixed(0)} ms a run`);
}

/** Used heap after a full collection. */
function heapMb(): string {
  setFlagsFromString("--expose-gc");
  const collect: () => void = runInNewContext("gc");
  collect();
  return (process.memoryUsage().heapUsed / 2 ** 20).toFixed(1);
}
