import { describe, expect, test } from "vitest";
import { fitIsotonic } from "./calibration.ts";
import { fitClassifier } from "./classifier.ts";
import type { Decoded, Sections } from "./model-file.ts";
import { createNeighbours } from "./neighbours.ts";
import {
  classifierFromSections,
  classifierSections,
  isotonicFromSections,
  isotonicSections,
  neighboursFromSections,
  neighboursSections,
  pickSections,
  prefixSections,
  svdFromSections,
  svdSections,
  vocabularyFromSections,
  vocabularySections,
} from "./sections.ts";
import { createSparseMatrix } from "./sparse.ts";
import { fitSvd } from "./svd.ts";
import { createTextReader, fitVocabulary } from "./text.ts";

const TEXTS = ["find the sum", "find the product", "write code"];
const vocabulary = fitVocabulary(TEXTS, {
  termsMax: 50,
  documentsMin: 1,
  wordsPerTermMax: 2,
  isSublinear: true,
});
const matrix = createSparseMatrix(
  TEXTS.map(createTextReader(vocabulary)),
  vocabulary.hashes.length,
);
const svd = fitSvd(matrix, { rank: 2, seed: 1, oversampling: 5, iterations: 3 });
const classifier = fitClassifier(matrix, [[1, 0, 1]], {
  l2: 1,
  iterationsMax: 50,
  gradientMax: 1e-6,
});
const neighbours = createNeighbours(Float32Array.of(1, 2, 3, 4), 2);
const isotonic = fitIsotonic([1, 2, 3], [0, 1, 1]);

interface Case {
  readonly name: string;
  readonly model: unknown;
  readonly sections: Sections;
  readonly read: (sections: Sections) => Decoded<unknown>;
}

const CASES: Case[] = [
  {
    name: "vocabulary",
    model: vocabulary,
    sections: vocabularySections(vocabulary),
    read: vocabularyFromSections,
  },
  { name: "svd", model: svd, sections: svdSections(svd), read: svdFromSections },
  {
    name: "classifier",
    model: classifier,
    sections: classifierSections(classifier),
    read: classifierFromSections,
  },
  {
    name: "neighbours",
    model: neighbours,
    sections: neighboursSections(neighbours),
    read: neighboursFromSections,
  },
  {
    name: "isotonic map",
    model: isotonic,
    sections: isotonicSections(isotonic),
    read: isotonicFromSections,
  },
];

describe.each(CASES)("a $name", ({ model, sections, read }) => {
  test("comes back from its sections", () => {
    expect(read(sections)).toEqual({ ok: true, value: model });
  });

  test("is unfit when a section is missing or of another type", () => {
    for (const name of Object.keys(sections)) {
      const { [name]: _, ...fewer } = sections;
      expect(read(fewer)).toMatchObject({ ok: false, fault: { code: "unfit" } });
    }
    const empty = Object.keys(sections).map((name) => [name, new Uint16Array()] as const);
    expect(read(Object.fromEntries(empty))).toMatchObject({ ok: false });
  });
});

describe("prefixes", () => {
  test("keep the parts of one file apart", () => {
    const a = { values: Uint8Array.of(1) };
    const b = { values: Uint8Array.of(2) };
    const file = { ...prefixSections("a", a), ...prefixSections("ab", b) };
    expect(Object.keys(file)).toEqual(["a/values", "ab/values"]);
    expect(pickSections("a", file)).toEqual(a);
    expect(pickSections("ab", file)).toEqual(b);
  });
});
