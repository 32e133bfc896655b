import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { parseConfig } from "../../src/config/load.ts";
import { anchorOf, readPages, snippetsOf, type Page } from "./snippet.ts";

const ROOT = join(import.meta.dirname, "../..");
const pages = await readPages();

/** Targets of the links to other places of the repository. */
function linksOf({ text }: Page): string[] {
  const withoutCode = text.replaceAll(/^```[\s\S]*?^```$/gm, "").replaceAll(/`[^`\n]*`/g, "");
  const links = Array.from(withoutCode.matchAll(/\]\(([^)\s]+)\)/g), ([, target = ""]) => target);
  return links.filter((target) => !/^[a-z]+:/.test(target));
}

function anchorsOf({ text }: Page): Set<string> {
  return new Set(Array.from(text.matchAll(/^#+ (.+)$/gm), ([, title = ""]) => anchorOf(title)));
}

describe.each(pages.map((page) => [page.path, page] as const))("%s", (_path, page) => {
  it("links to what is there", () => {
    for (const link of linksOf(page)) {
      const [file = "", anchor] = link.split("#");
      const path = file === "" ? page.path : normalize(join(dirname(page.path), file));
      expect(existsSync(join(ROOT, path)), link).toBe(true);
      const target = pages.find((each) => each.path === path);
      if (anchor !== undefined && target !== undefined) {
        expect(anchorsOf(target), link).toContain(anchor);
      }
    }
  });

  it("shows configs that are accepted", () => {
    for (const snippet of snippetsOf(page)) {
      if (snippet.language !== "yaml" || !snippet.text.includes("engines:")) continue;
      const environment = { HOSTED_KEY: "key" };
      const parsed = parseConfig(snippet.text, { file: page.path, environment, flags: {} });
      expect(parsed, `${page.path}:${snippet.line}`).toMatchObject({ ok: true });
    }
  });
});
