import { defineConfig, type ViteUserConfig } from "vitest/config";
import { matrixReporter } from "./matrix-reporter.ts";

const config: ViteUserConfig = defineConfig({
  test: {
    include: ["*.client.ts"],
    environment: "node",
    reporters: ["default", matrixReporter],
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
export default config;
