import { mkdir, open, readFile, rename, rm, stat } from "node:fs/promises";
import { dirname } from "node:path";

export type SnapshotRead =
  | { readonly status: "read"; readonly json: unknown }
  | { readonly status: "absent" }
  | { readonly status: "refused"; readonly message: string };

/** Larger ones are neither written nor read. */
const BYTES_MAX = 64 * 2 ** 20;

/** What was written last, whole. Never rejects. */
export async function readSnapshotFile(path: string): Promise<SnapshotRead> {
  try {
    const { size } = await stat(path);
    if (size > BYTES_MAX) return refused(`is larger than ${BYTES_MAX} bytes`);
    return { status: "read", json: JSON.parse(await readFile(path, "utf8")) };
  } catch (error) {
    if (error instanceof SyntaxError) return refused("is damaged");
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    return code === "ENOENT" ? { status: "absent" } : refused(`cannot be read (${code})`);
  }
}

/** Puts JSON in the place of the file at once: after a crash the old or the new one is there, whole. Rejects when the disk refuses. */
export async function writeSnapshotFile(path: string, json: unknown): Promise<void> {
  const bytes = Buffer.from(JSON.stringify(json));
  if (bytes.length > BYTES_MAX) throw new Error(`larger than ${BYTES_MAX} bytes`);
  await mkdir(dirname(path), { recursive: true });
  const next = `${path}.next-${process.pid}`;
  try {
    const file = await open(next, "w", 0o600);
    try {
      await file.writeFile(bytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(next, path);
  } finally {
    await rm(next, { force: true });
  }
}

function refused(message: string): SnapshotRead {
  return { status: "refused", message };
}
