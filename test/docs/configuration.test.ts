import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { MEANINGS } from "./configuration-meanings.ts";
import { configKeys, configurationPage } from "./configuration-page.ts";

describe("the page of the configuration", () => {
  it("is what the schema gives; `npm run docs` writes it", () => {
    const file = new URL("../../docs/configuration.md", import.meta.url);
    expect(readFileSync(file, "utf8")).toBe(configurationPage());
  });

  it("says what each key is for, and nothing of others", () => {
    const paths = configKeys().map(({ path }) => path);
    expect(paths.toSorted()).toEqual(Object.keys(MEANINGS).toSorted());
  });

  it("has a value for each key", () => {
    for (const { path, values } of configKeys()) expect(values, path).not.toBe("");
  });
});
