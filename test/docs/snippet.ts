import { readdir, readFile } from "node:fs/promises";
import { join, relative } from "node:path";

const ROOT = join(import.meta.dirname, "../..");

/** A fenced block of a page: what it is written in, and where it stands. */
export interface Snippet {
  readonly page: string;
  readonly line: number;
  readonly language: string;
  readonly text: string;
}

/** A page for readers, its path from the root. */
export interface Page {
  readonly path: string;
  readonly text: string;
}

const FOLDERS = ["", "docs", "docs/decisions", "test/clients", "training", "samples", "examples"];

export async function readPages(): Promise<Page[]> {
  const pages: Page[] = [];
  for (const folder of FOLDERS) {
    const names = await readdir(join(ROOT, folder)).catch(() => []);
    for (const name of names.filter((each) => each.endsWith(".md"))) {
      const file = join(ROOT, folder, name);
      pages.push({ path: relative(ROOT, file), text: await readFile(file, "utf8") });
    }
  }
  return pages;
}

export function snippetsOf({ path, text }: Page): Snippet[] {
  const snippets: Snippet[] = [];
  for (const match of text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)) {
    const [, language = "", body = ""] = match;
    const line = text.slice(0, match.index).split("\n").length;
    snippets.push({ page: path, line, language, text: body });
  }
  return snippets;
}

/** The anchor that a heading has. */
export function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
}
