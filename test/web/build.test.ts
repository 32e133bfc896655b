import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const FIRST_LOAD_BYTES_MAX = 60_000;

function filesIn(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((each) => each.isFile())
    .map((each) => join(each.parentPath, each.name));
  return Object.fromEntries(
    paths.toSorted().map((path) => [path.slice(folder.length), readFileSync(path, "utf8")]),
  );
}

test("the committed page is what its sources build (else: npm run build:web)", () => {
  const folder = mkdtempSync(join(tmpdir(), "chimera-web-"));
  // The test runner's NODE_ENV would make it a development build.
  const { NODE_ENV: _mode, ...env } = process.env;
  const vite = join(root, "node_modules/vite/bin/vite.js");
  const config = join(root, "web/vite.config.ts");
  execFileSync(process.execPath, [vite, "build", "--config", config, "--outDir", folder], { env });
  const built = filesIn(folder);
  rmSync(folder, { recursive: true });
  const committed = filesIn(join(root, "web/dist"));
  expect(Object.keys(committed)).toEqual(Object.keys(built));
  for (const [path, text] of Object.entries(built))
    expect(committed[path] === text, path).toBe(true);
});

test("the first load is small", () => {
  const files = Object.values(filesIn(join(root, "web/dist")));
  const bytes = files.reduce((sum, text) => sum + gzipSync(text).byteLength, 0);
  expect(bytes).toBeLessThan(FIRST_LOAD_BYTES_MAX);
});
