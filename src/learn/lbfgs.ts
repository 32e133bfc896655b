import { assert } from "../core/assert.ts";

export interface Minimum {
  readonly point: Float64Array;
  readonly value: number;
  readonly iterations: number;
  /** Whether the gradient's largest entry fell below `gradientMax`. */
  readonly isConverged: boolean;
}

export interface MinimiseOptions {
  readonly iterationsMax: number;
  readonly gradientMax: number;
}

/** Writes the gradient at a point, and returns the value. */
export type Objective = (point: Float64Array, gradient: Float64Array) => number;

const PAIRS_MAX = 10;
/** Share of the expected decrease that a step must bring (Armijo). */
const DECREASE_SHARE = 1e-4;
const HALVINGS_MAX = 40;

/** A step and what it did to the gradient. */
interface Pair {
  readonly step: Float64Array;
  readonly turn: Float64Array;
  readonly scale: number;
}

/**
 * The minimum of a smooth convex function by L-BFGS with two loops and backtracking (Nocedal and
 * Wright, Numerical Optimization, algorithms 7.4 and 3.1).
 * @param start is not changed.
 */
export function minimise(
  objective: Objective,
  start: Float64Array,
  options: MinimiseOptions,
): Minimum {
  let point = start.slice();
  let gradient = new Float64Array(start.length);
  let value = objective(point, gradient);
  assert(Number.isFinite(value), "an objective is finite where the search starts");
  const pairs: Pair[] = [];
  for (let iteration = 0; iteration < options.iterationsMax; iteration++) {
    if (largest(gradient) <= options.gradientMax) {
      return { point, value, iterations: iteration, isConverged: true };
    }
    const direction = directionOf(gradient, pairs);
    const next = searchLine(objective, { point, gradient, value }, direction);
    if (next === null) {
      return { point, value, iterations: iteration, isConverged: false };
    }
    remember(pairs, difference(next.point, point), difference(next.gradient, gradient));
    ({ point, gradient, value } = next);
  }
  const isConverged = largest(gradient) <= options.gradientMax;
  return { point, value, iterations: options.iterationsMax, isConverged };
}

interface Place {
  readonly point: Float64Array<ArrayBuffer>;
  readonly gradient: Float64Array<ArrayBuffer>;
  readonly value: number;
}

function searchLine(objective: Objective, from: Place, direction: Float64Array): Place | null {
  const slope = dot(from.gradient, direction);
  let length = 1;
  for (let halving = 0; halving < HALVINGS_MAX; halving++) {
    const point = from.point.map((value, index) => value + length * (direction[index] ?? 0));
    const gradient = new Float64Array(point.length);
    const value = objective(point, gradient);
    if (value <= from.value + DECREASE_SHARE * length * slope) return { point, gradient, value };
    length /= 2;
  }
  return null;
}

/** The downhill direction that the last pairs suggest; without pairs, a short step down the gradient. */
function directionOf(gradient: Float64Array, pairs: readonly Pair[]): Float64Array {
  const direction = gradient.map((value) => -value);
  const newest = pairs.at(-1);
  if (newest === undefined) {
    const length = Math.sqrt(dot(gradient, gradient));
    return direction.map((value) => value / Math.max(length, 1));
  }
  const shares: number[] = [];
  for (const { step, turn, scale } of pairs.toReversed()) {
    const share = scale * dot(step, direction);
    shares.push(share);
    addScaled(direction, turn, -share);
  }
  const first = 1 / (newest.scale * dot(newest.turn, newest.turn));
  for (let index = 0; index < direction.length; index++) {
    direction[index] = (direction[index] ?? 0) * first;
  }
  for (const { step, turn, scale } of pairs) {
    addScaled(direction, step, (shares.pop() ?? 0) - scale * dot(turn, direction));
  }
  return direction;
}

/** Keeps a pair if the function curves upwards along it. */
function remember(pairs: Pair[], step: Float64Array, turn: Float64Array): void {
  const curvature = dot(step, turn);
  if (curvature <= Number.EPSILON * dot(turn, turn)) return;
  pairs.push({ step, turn, scale: 1 / curvature });
  if (pairs.length > PAIRS_MAX) pairs.shift();
}

function difference(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, index) => value - (b[index] ?? 0));
}

function addScaled(into: Float64Array, from: Float64Array, scale: number): void {
  for (let index = 0; index < into.length; index++) {
    into[index] = (into[index] ?? 0) + scale * (from[index] ?? 0);
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += (a[index] ?? 0) * (b[index] ?? 0);
  return sum;
}

function largest(values: Float64Array): number {
  return values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}
