/** Milliseconds that never go back, and timers in the same unit. Tests bring their own. */
export interface Clock {
  /** Milliseconds since an arbitrary start, with fractions. */
  nowMs(): number;
  /** Calls once after at least `delayMs`; the returned function cancels. Never keeps the process alive. */
  after(delayMs: number, call: () => void): () => void;
}

/** Longest delay that Node's timers can count. */
const DELAY_MS_MAX = 2 ** 31 - 1;

export const monotonicClock: Clock = {
  nowMs: () => performance.now(),
  after: (delayMs, call) => {
    const timer = setTimeout(call, Math.min(DELAY_MS_MAX, Math.max(0, Math.ceil(delayMs))));
    timer.unref();
    return () => clearTimeout(timer);
  },
};
