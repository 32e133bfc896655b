import { testSeed } from "../seed.ts";
import { describePolicies } from "./conformance.ts";
import { policies } from "./swarm.ts";

const RUNS = Number(process.env["CHIMERA_TEST_RUNS"] ?? 3000);
process.stdout.write(`scheduler properties: seed ${testSeed}, ${RUNS} event sequences each\n`);

describePolicies("the scheduler", policies, { seed: testSeed, numRuns: RUNS });
