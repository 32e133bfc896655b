import type { Clock, Timer } from "../engine/clock.ts";

export interface ViewFeedOptions {
  readonly clock: Clock;
  /** What is told: the same text is not told twice. */
  readonly view: () => object;
  /** Open streams at once. */
  readonly listenersMax: number;
}

/** A listener is told no more often than this. */
const PERIOD_MS = 500;
/** Looks without news after which a comment shows that the stream is alive. */
const QUIET_LOOKS_MAX = 20;

/**
 * The cluster view as server-sent events, for whoever looks. Nothing is computed while nobody listens,
 * and a listener that reads slowly gets the newest view when it is ready, not a backlog.
 */
export class ViewFeed {
  readonly #options: ViewFeedOptions;
  readonly #listeners = new Set<Listener>();
  #closed = false;

  constructor(options: ViewFeedOptions) {
    this.#options = options;
  }

  get listeners(): number {
    return this.#listeners.size;
  }

  /** A new stream, or null when there are `listenersMax` already. Cancelling the stream ends it. */
  listen(): ReadableStream<Uint8Array<ArrayBuffer>> | null {
    if (this.#closed || this.#listeners.size >= this.#options.listenersMax) return null;
    const listener = new Listener(this.#options, () => this.#listeners.delete(listener));
    this.#listeners.add(listener);
    return listener.stream;
  }

  /** Ends every stream. Idempotent. */
  close(): void {
    this.#closed = true;
    for (const listener of this.#listeners) listener.close();
  }
}

class Listener {
  readonly stream: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #options: ViewFeedOptions;
  readonly #left: () => void;
  readonly #encoder = new TextEncoder();
  #controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | null = null;
  #timer: Timer | null = null;
  #told = "";
  #quietLooks = 0;

  constructor(options: ViewFeedOptions, left: () => void) {
    this.#options = options;
    this.#left = left;
    this.stream = new ReadableStream({
      start: (controller) => {
        this.#controller = controller;
        this.#look();
      },
      cancel: () => this.#end(),
    });
  }

  close(): void {
    this.#controller?.close();
    this.#end();
  }

  #look(): void {
    this.#timer = this.#options.clock.setTimer(() => this.#look(), PERIOD_MS);
    const controller = this.#controller;
    if (controller === null || (controller.desiredSize ?? 0) <= 0) return;
    const news = JSON.stringify(this.#options.view());
    const isNew = news !== this.#told;
    this.#quietLooks = isNew ? 0 : this.#quietLooks + 1;
    if (!isNew && this.#quietLooks < QUIET_LOOKS_MAX) return;
    this.#told = news;
    this.#quietLooks = 0;
    controller.enqueue(this.#encoder.encode(isNew ? `data: ${news}\n\n` : ": quiet\n\n"));
  }

  #end(): void {
    this.#timer?.cancel();
    this.#controller = null;
    this.#left();
  }
}
