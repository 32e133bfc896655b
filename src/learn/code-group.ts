import type { Node, SplitSpace } from "./split.ts";
import { CATEGORIES_MAX } from "./table.ts";

/** The rows of a node summed up by their code, codes rising. Holds the room for the largest node. */
export interface CodeGroups {
  count: number;
  readonly codes: Uint32Array;
  readonly counts: Uint32Array;
  readonly weights: Float64Array;
  readonly sums: Float64Array;
  /** The rows without a value, once they are taken out of the groups. */
  missingCount: number;
  missingWeight: number;
  missingSum: number;
  /** Codes of the node's rows, by position in the node. */
  readonly nodeCodes: Uint32Array;
  /** Positions in the order of their codes, and a second room to sort in. */
  positions: Uint32Array;
  positionsNext: Uint32Array;
  readonly digitStarts: Uint32Array;
  readonly smallKeys: Uint32Array;
}

/** Nodes up to this size are sorted by insertion. */
const SMALL_NODE_ROWS = 32;
const SMALL_NODE_BITS = 5;
/** With fewer codes in the range than this many per row, sums by code need no sorting. */
const CODES_PER_ROW = 4;
const DIGIT_BITS = 8;
const DIGITS = 1 << DIGIT_BITS;

export function createCodeGroups(rowCount: number): CodeGroups {
  // A range of codes is at most as long as the column has distinct values and a missing one.
  const room = Math.max(rowCount, CATEGORIES_MAX) + 1;
  return {
    count: 0,
    codes: new Uint32Array(room),
    counts: new Uint32Array(room),
    weights: new Float64Array(room),
    sums: new Float64Array(room),
    missingCount: 0,
    missingWeight: 0,
    missingSum: 0,
    nodeCodes: new Uint32Array(rowCount),
    positions: new Uint32Array(rowCount),
    positionsNext: new Uint32Array(rowCount),
    digitStarts: new Uint32Array(DIGITS),
    smallKeys: new Uint32Array(SMALL_NODE_ROWS),
  };
}

/** Sums up a node's rows by code: exact, whichever way is the quickest for its size. */
export function groupByCode(
  groups: CodeGroups,
  space: SplitSpace,
  node: Node,
  codes: Uint32Array,
): void {
  const { nodeCodes } = groups;
  const { rows } = space;
  const size = node.end - node.start;
  let low = 0xffffffff;
  let high = 0;
  for (let position = 0; position < size; position++) {
    const code = codes[rows[node.start + position] ?? 0] ?? 0;
    nodeCodes[position] = code;
    if (code < low) low = code;
    if (code > high) high = code;
  }
  const range = high - low + 1;
  if (range === 1) {
    groups.count = 1;
  } else if (size <= SMALL_NODE_ROWS) {
    sortSmall(groups, size, low);
    sumSorted(groups, space, size);
  } else if (range <= CODES_PER_ROW * size) {
    sumByCode(groups, space, size, { low, range });
    closeGaps(groups, low, range);
  } else {
    sortByDigits(groups, size, low, range);
    sumSorted(groups, space, size);
  }
}

/** Insertion sort of (code - low, position) in one integer: 19 and 5 bits. */
function sortSmall(groups: CodeGroups, size: number, low: number): void {
  const { nodeCodes, smallKeys, positions } = groups;
  for (let position = 0; position < size; position++) {
    const key = (((nodeCodes[position] ?? 0) - low) << SMALL_NODE_BITS) | position;
    let place = position;
    for (; place > 0 && (smallKeys[place - 1] ?? 0) > key; place--) {
      smallKeys[place] = smallKeys[place - 1] ?? 0;
    }
    smallKeys[place] = key;
  }
  for (let place = 0; place < size; place++) {
    positions[place] = (smallKeys[place] ?? 0) & (SMALL_NODE_ROWS - 1);
  }
}

/** Radix sort of the positions by code, least digit first; stable. */
function sortByDigits(groups: CodeGroups, size: number, low: number, range: number): void {
  const { nodeCodes, digitStarts } = groups;
  for (let shift = 0; range >>> shift > 0; shift += DIGIT_BITS) {
    const { positions: source, positionsNext: target } = groups;
    digitStarts.fill(0);
    for (let position = 0; position < size; position++) {
      const digit = (((nodeCodes[position] ?? 0) - low) >>> shift) & (DIGITS - 1);
      digitStarts[digit] = (digitStarts[digit] ?? 0) + 1;
    }
    let start = 0;
    for (let digit = 0; digit < DIGITS; digit++) {
      const count = digitStarts[digit] ?? 0;
      digitStarts[digit] = start;
      start += count;
    }
    for (let place = 0; place < size; place++) {
      const position = shift === 0 ? place : (source[place] ?? 0);
      const digit = (((nodeCodes[position] ?? 0) - low) >>> shift) & (DIGITS - 1);
      const next = digitStarts[digit] ?? 0;
      digitStarts[digit] = next + 1;
      target[next] = position;
    }
    groups.positions = target;
    groups.positionsNext = source;
  }
}

/** Sums over runs of equal codes, after the positions were sorted by code. */
function sumSorted(groups: CodeGroups, space: SplitSpace, size: number): void {
  const { positions, nodeCodes, codes, counts, weights, sums } = groups;
  const { nodeWeights, nodeTargets } = space;
  let group = -1;
  let code = -1;
  for (let place = 0; place < size; place++) {
    const position = positions[place] ?? 0;
    const next = nodeCodes[position] ?? 0;
    if (next !== code) {
      code = next;
      group++;
      codes[group] = code;
      counts[group] = 1;
      weights[group] = nodeWeights[position] ?? 0;
      sums[group] = nodeTargets[position] ?? 0;
    } else {
      counts[group] = (counts[group] ?? 0) + 1;
      weights[group] = (weights[group] ?? 0) + (nodeWeights[position] ?? 0);
      sums[group] = (sums[group] ?? 0) + (nodeTargets[position] ?? 0);
    }
  }
  groups.count = group + 1;
}

/** Sums with the code itself as the place. */
function sumByCode(
  groups: CodeGroups,
  space: SplitSpace,
  size: number,
  { low, range }: { readonly low: number; readonly range: number },
): void {
  const { nodeCodes, counts, weights, sums } = groups;
  const { nodeWeights, nodeTargets } = space;
  counts.fill(0, 0, range);
  weights.fill(0, 0, range);
  sums.fill(0, 0, range);
  for (let position = 0; position < size; position++) {
    const place = (nodeCodes[position] ?? 0) - low;
    counts[place] = (counts[place] ?? 0) + 1;
    weights[place] = (weights[place] ?? 0) + (nodeWeights[position] ?? 0);
    sums[place] = (sums[place] ?? 0) + (nodeTargets[position] ?? 0);
  }
}

/** Moves the codes that occur together. */
function closeGaps(groups: CodeGroups, low: number, range: number): void {
  const { codes, counts, weights, sums } = groups;
  let group = 0;
  for (let place = 0; place < range; place++) {
    const count = counts[place] ?? 0;
    if (count === 0) continue;
    codes[group] = low + place;
    counts[group] = count;
    weights[group] = weights[place] ?? 0;
    sums[group] = sums[place] ?? 0;
    group++;
  }
  groups.count = group;
}

/** Insertion sort of the groups by mean target; equal means keep the order of their codes. */
export function sortGroupsByMean(groups: CodeGroups): void {
  const { codes, counts, weights, sums } = groups;
  for (let group = 1; group < groups.count; group++) {
    const code = codes[group] ?? 0;
    const count = counts[group] ?? 0;
    const weight = weights[group] ?? 0;
    const sum = sums[group] ?? 0;
    let place = group;
    while (place > 0 && (sums[place - 1] ?? 0) * weight > sum * (weights[place - 1] ?? 0)) {
      codes[place] = codes[place - 1] ?? 0;
      counts[place] = counts[place - 1] ?? 0;
      weights[place] = weights[place - 1] ?? 0;
      sums[place] = sums[place - 1] ?? 0;
      place--;
    }
    codes[place] = code;
    counts[place] = count;
    weights[place] = weight;
    sums[place] = sum;
  }
}
