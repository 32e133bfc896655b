import { readdir } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { readPolicyFile } from "../../src/config/policy-file.ts";
import { testSeed } from "../seed.ts";
import { describePolicies } from "./conformance.ts";

// The policies of the folder, or those that the environment names: CHIMERA_POLICIES=mine.ts,other.ts
const FOLDER = join(import.meta.dirname, "../../examples/policies");
const named = process.env["CHIMERA_POLICIES"]?.split(",") ?? [];
const files = (await readdir(FOLDER)).filter((file) => file.endsWith(".ts"));
const RUNS = Number(process.env["CHIMERA_TEST_RUNS"] ?? 500);
process.stdout.write(`policies in files: seed ${testSeed}, ${RUNS} event sequences each\n`);

for (const file of named.length > 0 ? named : files.map((each) => join(FOLDER, each))) {
  const read = await readPolicyFile(file);
  if (!read.ok) throw new Error(read.message);
  describePolicies(read.name, fc.constant(read.policy), { seed: testSeed, numRuns: RUNS });
}
