import type { Clock, Timer } from "./clock.ts";

/** Something whose age is looked at now and then. */
export interface Watched {
  /** `nowMs` is the watchdog's time, see `Watchdog.nowMs`. */
  checkTimeouts(nowMs: number): void;
}

/** How coarse timeouts are: each fires up to two ticks late, never early. */
const TICK_MS = 100;

/**
 * One timer for all exchanges of a client, so that a chunk costs a field write and no timer object.
 * Its time stands still while the event loop is blocked: our own stall must not look like an
 * engine's silence.
 */
export class Watchdog {
  /** Time of the last tick, counted by ticks. */
  nowMs = 0;
  private readonly watched = new Set<Watched>();
  private timer: Timer | null = null;
  private tickedAtMs = 0;
  private readonly clock: Clock;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  add(item: Watched): void {
    this.watched.add(item);
    if (this.timer === null) {
      this.tickedAtMs = this.clock.nowMs();
      this.schedule();
    }
  }

  remove(item: Watched): void {
    this.watched.delete(item);
  }

  private schedule(): void {
    this.timer = this.clock.setTimer(() => this.tick(), TICK_MS);
  }

  private tick(): void {
    this.timer = null;
    if (this.watched.size === 0) return;
    const now = this.clock.nowMs();
    this.nowMs += Math.min(now - this.tickedAtMs, 2 * TICK_MS);
    this.tickedAtMs = now;
    for (const item of this.watched) item.checkTimeouts(this.nowMs - TICK_MS);
    this.schedule();
  }
}
