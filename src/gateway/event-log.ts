import { createWriteStream, type WriteStream } from "node:fs";
import type { Command } from "../core/command.ts";
import type { Event } from "../core/event.ts";
import type { SchedulerOptions } from "../core/state.ts";

/** First line of a log: what a fresh core needs to repeat the rest. */
export interface EventLogHead {
  readonly version: 1;
  readonly options: SchedulerOptions;
}

/** Every further line: one step of the core. */
export interface EventLogStep {
  readonly event: Event;
  readonly commands: readonly Command[];
}

/** Last line of a log that could not be written fast enough; what came before is whole. */
export interface EventLogCut {
  readonly cut: true;
}

/** Bytes that may wait for the disk. */
const PENDING_BYTES_MAX = 64 * 1024 * 1024;

/**
 * The steps of one core as JSON Lines. A log with a gap cannot be replayed, so when the disk falls
 * too far behind, or fails, the log ends there, and `cut` says so.
 */
export class EventLog {
  readonly #stream: WriteStream;
  readonly #pendingBytesMax: number;
  #cut = false;
  #closed = false;

  constructor(
    path: string,
    options: SchedulerOptions,
    pendingBytesMax: number = PENDING_BYTES_MAX,
  ) {
    this.#stream = createWriteStream(path, { mode: 0o600 });
    this.#pendingBytesMax = pendingBytesMax;
    this.#stream.on("error", () => {
      this.#cut = true;
    });
    this.#writeLine({ version: 1, options } satisfies EventLogHead);
  }

  get cut(): boolean {
    return this.#cut;
  }

  write(event: Event, commands: readonly Command[]): void {
    if (this.#cut || this.#closed) return;
    if (this.#stream.writableLength > this.#pendingBytesMax) {
      this.#writeLine({ cut: true } satisfies EventLogCut);
      this.#cut = true;
      return;
    }
    this.#writeLine({ event, commands } satisfies EventLogStep);
  }

  /** Resolves when everything taken is on disk, or cannot be. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true;
    if (this.#stream.closed) return;
    await new Promise<void>((resolve) => {
      this.#stream.once("close", resolve);
      this.#stream.end();
    });
  }

  #writeLine(line: EventLogHead | EventLogStep | EventLogCut): void {
    this.#stream.write(`${JSON.stringify(line)}\n`);
  }
}
