/**
 * A run of iterations of one batch: the first lasts `firstMs`, each further one `growthMs` longer
 * than the one before, as the batch holds more tokens.
 */
export interface Iterations {
  readonly startMs: number;
  readonly firstMs: number;
  readonly growthMs: number;
  readonly count: number;
}

/** When the iteration with this number (from 1) ends, in ms on the driver's clock. */
export function endOfIteration(run: Iterations, number: number): number {
  return run.startMs + number * run.firstMs + run.growthMs * ((number * (number - 1)) / 2);
}

/**
 * Number of the iteration in which an instant falls: the first one that ends at or after `timeMs`,
 * and `count` for anything later. Solves the quadratic and corrects the rounding.
 */
export function iterationAt(run: Iterations, timeMs: number): number {
  const distanceMs = timeMs - run.startMs;
  if (run.count === 1 || distanceMs <= 0) return 1;
  const linear = run.firstMs - run.growthMs / 2;
  const root = Math.sqrt(linear * linear + 2 * run.growthMs * distanceMs);
  const guess = Math.ceil((2 * distanceMs) / (linear + root));
  let number = Math.min(Math.max(1, guess), run.count);
  while (number > 1 && endOfIteration(run, number - 1) >= timeMs) number--;
  while (number < run.count && endOfIteration(run, number) < timeMs) number++;
  return number;
}
