import { fileURLToPath } from "node:url";
import { defineConfig, type UserConfig } from "vite";

/** The page is served below `/ui/` by the gateway, whose policy allows nothing inline. */
const config: UserConfig = defineConfig({
  root: fileURLToPath(new URL(".", import.meta.url)),
  base: "/ui/",
  logLevel: "warn",
  build: {
    target: "es2022",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
export default config;
