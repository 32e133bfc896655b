import { createRandom, type Random } from "../core/random.ts";

/**
 * The source of chance of one tree. The bootstrap is drawn from it first, so that it can be drawn
 * again later to tell which rows the tree has not seen.
 */
export function treeRandom(seed: number, tree: number): Random {
  return createRandom(seed ^ Math.imul(tree + 1, 0x9e3779b9));
}

/**
 * Draws as many groups as there are, with replacement (Efron's bootstrap; rows of one group are drawn
 * together, so that rows that know of each other never stand on both sides).
 * @param groups the group of each row, 0 .. groupCount - 1.
 * @param weights receives how often each row was drawn.
 */
export function drawBootstrap(
  random: Random,
  groups: Uint32Array,
  groupCount: number,
  weights: Float64Array,
): void {
  const draws = new Uint32Array(groupCount);
  for (let draw = 0; draw < groupCount; draw++) {
    const group = Math.floor(random.next() * groupCount);
    draws[group] = (draws[group] ?? 0) + 1;
  }
  for (let row = 0; row < groups.length; row++) weights[row] = draws[groups[row] ?? 0] ?? 0;
}

/** Numbers the groups in the order in which they appear; without groups each row is its own. */
export function numberGroups(
  rowCount: number,
  groups: ArrayLike<number> | undefined,
): { readonly groups: Uint32Array; readonly groupCount: number } {
  const numbers = new Map<number, number>();
  const numbered = new Uint32Array(rowCount);
  for (let row = 0; row < rowCount; row++) {
    const group = groups === undefined ? row : (groups[row] ?? 0);
    const number = numbers.get(group) ?? numbers.size;
    numbers.set(group, number);
    numbered[row] = number;
  }
  return { groups: numbered, groupCount: numbers.size };
}
