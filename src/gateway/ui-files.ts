import { createHash } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gzip } from "node:zlib";

/** One file of the built page, in both forms in which it is sent. */
export interface UiFile {
  readonly contentType: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly zipped: Uint8Array<ArrayBuffer>;
  /** Of the contents, without quotes. */
  readonly tag: string;
  /** The name holds a hash of the contents: it never changes under this name. */
  readonly isImmutable: boolean;
}

/** By path below `/ui/`, with `/` between folders. */
export type UiFiles = ReadonlyMap<string, UiFile>;

/** Where `npm run build:web` puts the page; the same place seen from the sources and from `dist/`. */
const BUILT = fileURLToPath(new URL("../../web/dist/", import.meta.url));

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
};

const deflate = promisify(gzip);

/** Reads and compresses the whole page; empty when it has not been built. Files of other types are left out. */
export async function readUiFiles(folder: string = BUILT): Promise<UiFiles> {
  const files = new Map<string, UiFile>();
  for (const path of await pathsOf(folder)) {
    const contentType = TYPES[extname(path)];
    if (contentType === undefined) continue;
    const bytes = new Uint8Array(await readFile(path));
    const name = relative(folder, path).split(sep).join("/");
    files.set(name, {
      contentType,
      bytes,
      zipped: new Uint8Array(await deflate(bytes, { level: 9 })),
      tag: createHash("sha256").update(bytes).digest("base64url").slice(0, 22),
      isImmutable: name.startsWith("assets/"),
    });
  }
  return files;
}

async function pathsOf(folder: string): Promise<string[]> {
  try {
    const entries = await readdir(folder, { recursive: true, withFileTypes: true });
    return entries.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
