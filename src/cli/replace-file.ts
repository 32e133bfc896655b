import { link, open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/**
 * Puts a file in the place of another at once: whoever reads it finds the old or the new one, whole,
 * also after a loss of power. The old one stays beside it. Rejects, with the old one in its place, when
 * the disk refuses.
 * @returns the path of the old file, or null where there was none.
 */
export async function replaceFile(path: string, bytes: Uint8Array): Promise<string | null> {
  const next = `${path}.next-${process.pid}`;
  const kept = `${path}.kept-${process.pid}`;
  const previous = `${path}.previous`;
  try {
    await writeSynced(next, bytes);
    const isThere = await linked(path, kept);
    if (isThere) await rename(kept, previous);
    await rename(next, path);
    await syncFolder(dirname(path));
    return isThere ? previous : null;
  } finally {
    await rm(next, { force: true });
    await rm(kept, { force: true });
  }
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, "w");
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** A second name for a file; false where there is none. */
async function linked(path: string, name: string): Promise<boolean> {
  try {
    await link(path, name);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return false;
    throw error;
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
