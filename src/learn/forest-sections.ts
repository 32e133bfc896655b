import type { Forest } from "./forest.ts";
import { fault, type Decoded, type Sections } from "./model-file.ts";
import { setWords } from "./split.ts";
import type { Feature } from "./table.ts";
import { CATEGORY_BIT, FEATURE_SHIFT, LEAF_HEAD, RIGHT_MASK, SAMPLES_MASK } from "./tree.ts";

/** A forest as sections of a model file; its features go into the file's list. */
export function forestSections(forest: Forest): Sections {
  const { nodes, treeNodes, samples, treeSamples, sets, targets } = forest;
  return { nodes, treeNodes, samples, treeSamples, sets, targets };
}

/**
 * The forest that sections hold. Every node is looked at once, so that no file, however it was made,
 * can lead a prediction out of the forest or around in it.
 * @returns the fault "unfit" for anything else.
 */
export function forestFromSections(
  sections: Sections,
  features: readonly Feature[],
): Decoded<Forest> {
  const { nodes, treeNodes, samples, treeSamples, sets, targets } = sections;
  const isWhole =
    nodes instanceof Uint32Array &&
    treeNodes instanceof Uint32Array &&
    (samples instanceof Uint16Array || samples instanceof Uint32Array) &&
    treeSamples instanceof Uint32Array &&
    sets instanceof Uint32Array &&
    targets instanceof Float64Array;
  if (!isWhole) return fault("unfit", "the file holds no forest");
  const reals = new Float32Array(nodes.buffer, nodes.byteOffset, nodes.length);
  const forest = { features, nodes, reals, treeNodes, samples, treeSamples, sets, targets };
  const hasTrees =
    areStarts(treeNodes, nodes.length / 2) &&
    areStarts(treeSamples, samples.length) &&
    treeNodes.length === treeSamples.length;
  if (!hasTrees) return fault("unfit", "the trees do not lie one after the other");
  if (!areRising(targets)) return fault("unfit", "the targets do not rise");
  for (let tree = 0; tree + 1 < treeNodes.length; tree++) {
    if (!isTree(forest, tree)) return fault("unfit", `tree ${tree} is not one`);
  }
  return { ok: true, value: forest };
}

function areStarts(starts: Uint32Array, end: number): boolean {
  return starts.length >= 2 && starts[0] === 0 && starts.at(-1) === end && areRising(starts);
}

function areRising(values: Uint32Array | Float64Array): boolean {
  for (let index = 1; index < values.length; index++) {
    if (!((values[index] ?? 0) > (values[index - 1] ?? 0))) return false;
  }
  return values.length > 0 && Number.isFinite(values[0]) && Number.isFinite(values.at(-1));
}

function isTree(forest: Forest, tree: number): boolean {
  const { nodes, treeNodes, treeSamples } = forest;
  const end = treeNodes[tree + 1] ?? 0;
  const firstSample = treeSamples[tree] ?? 0;
  for (let node = treeNodes[tree] ?? 0; node < end; node++) {
    const head = nodes[2 * node] ?? 0;
    const isFine =
      head >>> FEATURE_SHIFT === LEAF_HEAD
        ? isLeaf(forest, firstSample + (head & SAMPLES_MASK), treeSamples[tree + 1] ?? 0)
        : isInner(forest, node, end);
    if (!isFine) return false;
  }
  return true;
}

function isInner({ nodes, features, sets }: Forest, node: number, end: number): boolean {
  const head = nodes[2 * node] ?? 0;
  const right = head & RIGHT_MASK;
  const feature = features[head >>> FEATURE_SHIFT];
  if (feature === undefined || right < 2 || node + right >= end) return false;
  const isCategory = (head & CATEGORY_BIT) !== 0;
  if (isCategory !== (feature.categories !== null)) return false;
  const set = nodes[2 * node + 1] ?? 0;
  return !isCategory || set + setWords(feature.categories ?? 0) <= sets.length;
}

function isLeaf({ samples, targets }: Forest, start: number, end: number): boolean {
  const count = samples[start] ?? 0;
  if (count === 0 || start + count >= end) return false;
  for (let place = start + 1; place <= start + count; place++) {
    if ((samples[place] ?? 0) >= targets.length) return false;
  }
  return true;
}
