import { defineConfig, type ViteUserConfig } from "vitest/config";

/** Slow tests in a real browser, apart from `npm test`. */
const config: ViteUserConfig = defineConfig({
  test: {
    include: ["test/ui/**/*.ui.ts"],
    environment: "node",
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
export default config;
