/**
 * The seed of this run's random tests: CHIMERA_TEST_SEED, else a fixed one. A failing property prints
 * it together with the path that repeats the failure.
 */
export const testSeed: number = Number(process.env["CHIMERA_TEST_SEED"] ?? 20260322);
