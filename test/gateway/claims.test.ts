import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const root = new URL("../../", import.meta.url);

/** Claims stand in brackets: files in backquotes, each with its tests in quotes. */
function namedTests(page: string): [file: string, name: string][] {
  const flat = page.replaceAll(/\s+/g, " ");
  const found: [string, string][] = [];
  let file = "";
  for (const [, path, name] of flat.matchAll(/`((?:src|test)\/[^`]+\.test\.ts)`|"([^"]{12,})"/g)) {
    if (path !== undefined) file = path;
    else if (name !== undefined) found.push([file, name]);
  }
  return found;
}

test.each([
  ["docs/security.md", 30],
  ["docs/wire.md", 20],
])("every test that %s names is there", (page, least) => {
  const named = namedTests(readFileSync(new URL(page, root), "utf8"));
  expect(named.length).toBeGreaterThan(least);
  const missing = named.filter(([file, name]) => {
    return !readFileSync(new URL(file, root), "utf8").replaceAll(/\s+/g, " ").includes(name);
  });
  expect(missing).toEqual([]);
});
