import { defineConfig, type ViteUserConfig } from "vitest/config";

/** Checks against a real engine, apart from `npm test`: `CHIMERA_ENGINE_URL=... npx vitest run --config test/engines/vitest.config.ts`. */
const config: ViteUserConfig = defineConfig({
  test: {
    include: ["test/engines/**/*.engine.ts"],
    environment: "node",
    fileParallelism: false,
    testTimeout: 120_000,
    hookTimeout: 60_000,
  },
});
export default config;
