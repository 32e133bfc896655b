/** A pending call; cancelling it twice, or after it ran, does nothing. */
export interface Timer {
  cancel(): void;
}

/** Time as the engine room sees it; tests pass one that they move by hand. */
export interface Clock {
  /** Milliseconds from an arbitrary start; never goes back. */
  nowMs(): number;
  setTimer(run: () => void, delayMs: number): Timer;
}

/** The process's monotonic clock. Its timers do not keep the process alive. */
export const systemClock: Clock = {
  nowMs: (): number => performance.now(),
  setTimer: (run: () => void, delayMs: number): Timer => {
    const handle = setTimeout(run, delayMs);
    handle.unref();
    return { cancel: (): void => clearTimeout(handle) };
  },
};
