import { watch, type FSWatcher } from "node:fs";
import { stat } from "node:fs/promises";
import { dirname } from "node:path";

/** Quiet time after a change: a file that is being written changes often. */
const QUIET_MS = 200;

/**
 * Calls `changed` when one of the files has become another: written anew, renamed over, or behind a link
 * that now leads elsewhere. Their folders are watched, so that a file may be replaced or be absent for a
 * while. `close` ends it and may be called twice.
 */
export class FileWatch {
  readonly #files: readonly string[];
  readonly #changed: () => void;
  readonly #watchers: FSWatcher[] = [];
  #seen: string;
  #timer: NodeJS.Timeout | null = null;
  #isClosed = false;

  private constructor(files: readonly string[], seen: string, changed: () => void) {
    this.#files = files;
    this.#seen = seen;
    this.#changed = changed;
  }

  /** Throws where a folder cannot be watched. */
  static async start(files: readonly string[], changed: () => void): Promise<FileWatch> {
    const started = new FileWatch(files, await identityOf(files), changed);
    for (const folder of new Set(files.map((file) => dirname(file)))) {
      const watcher = watch(folder, { persistent: false }, () => started.#touched());
      // A folder that goes away ends its watcher; a signal still asks for the files.
      watcher.on("error", () => watcher.close());
      started.#watchers.push(watcher);
    }
    return started;
  }

  close(): void {
    this.#isClosed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    for (const watcher of this.#watchers.splice(0)) watcher.close();
  }

  #touched(): void {
    if (this.#isClosed) return;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#compare(), QUIET_MS);
  }

  async #compare(): Promise<void> {
    this.#timer = null;
    const now = await identityOf(this.#files);
    if (this.#isClosed || now === this.#seen) return;
    this.#seen = now;
    this.#changed();
  }
}

/** Differs where a file's content may; a file that is absent has one of its own. */
async function identityOf(files: readonly string[]): Promise<string> {
  const identities = await Promise.all(
    files.map((file) =>
      stat(file, { bigint: true }).then(
        ({ dev, ino, size, mtimeNs }) => `${dev} ${ino} ${size} ${mtimeNs}`,
        () => "absent",
      ),
    ),
  );
  return identities.join("\n");
}
