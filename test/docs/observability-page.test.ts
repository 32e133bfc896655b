import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { observabilityPage } from "./observability-page.ts";

it("the page of metrics and traces is what the families give; `npm run docs` writes it", async () => {
  const file = new URL("../../docs/observability.md", import.meta.url);
  expect(readFileSync(file, "utf8")).toBe(await observabilityPage());
});
