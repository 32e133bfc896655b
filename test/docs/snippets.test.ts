import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EmbeddedCluster } from "../ui/embedded-cluster.ts";
import { readPages, snippetsOf, type Snippet } from "./snippet.ts";

const ROOT = join(import.meta.dirname, "../..");
const run = promisify(execFile);
const SHOWN_BASE = "http://127.0.0.1:8080";

// `training/` has an environment of its own, and its commands run for minutes.
const pages = (await readPages()).filter(({ path }) => !path.startsWith("training"));
const snippets = pages.flatMap(snippetsOf);
const inLanguage = (language: string): [string, Snippet][] =>
  snippets
    .filter((each) => each.language === language)
    .map((each) => [`${each.page}:${each.line}`, each]);

/** What the pages show is run as it stands, but for the port. */
describe("snippets", () => {
  let cluster: EmbeddedCluster;
  let folder: string;
  beforeAll(async () => {
    cluster = await EmbeddedCluster.start(0);
    // Inside the repository, so that packages are found.
    await mkdir(join(ROOT, "coverage"), { recursive: true });
    folder = await mkdtemp(join(ROOT, "coverage", "snippets-"));
  });
  afterAll(async () => {
    await cluster.stop();
    await rm(folder, { recursive: true });
  });

  const here = (text: string): string =>
    text.replaceAll(SHOWN_BASE, cluster.apiUrl.replace(/\/v1$/, ""));

  it.each(inLanguage("sh"))("%s runs", async (_place, { text }) => {
    for (const line of text.split("\n").filter((each) => each !== "")) {
      const command = here(line).replace(/^curl /, "curl --fail-with-body ");
      const { stdout } = await run("bash", ["-ec", command], { cwd: ROOT });
      expect(stdout, line).not.toBe("");
    }
  });

  it.each(inLanguage("js"))("%s runs", async (_place, { text, line }) => {
    const file = join(folder, `snippet-${line}.mjs`);
    await writeFile(file, here(text));
    const { stdout } = await run(process.execPath, [file], { cwd: ROOT });
    expect(stdout).not.toBe("");
  });

  it.each(inLanguage("python"))("%s is Python", async (_place, { text, line }) => {
    const file = join(folder, `snippet-${line}.py`);
    await writeFile(file, here(text));
    await run("python3", ["-m", "py_compile", file], { cwd: folder });
  });
});
