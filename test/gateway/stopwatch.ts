import { afterAll } from "vitest";

export interface Stopwatch {
  /** Begins to measure; what it answers ends the measurement. */
  start(name: string): () => void;
}

/** Times that the claims of a file are about. They are printed after its tests and never asserted: another machine has others. */
export function printedStopwatch(): Stopwatch {
  const lines: string[] = [];
  afterAll(() => void process.stdout.write(`${lines.join("\n")}\n`));
  return {
    start: (name) => {
      const beganMs = performance.now();
      return () => void lines.push(`${(performance.now() - beganMs).toFixed(1)} ms  ${name}`);
    },
  };
}
