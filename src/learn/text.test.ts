import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import reference from "../../test/reference/text.json" with { type: "json" };
import {
  columnOfTerm,
  createTextReader,
  fitVocabulary,
  type Vocabulary,
  type VocabularyOptions,
} from "./text.ts";

const OPTIONS: VocabularyOptions = {
  termsMax: 1000,
  documentsMin: 1,
  wordsPerTermMax: 2,
  isSublinear: false,
};

function weightsOf(vocabulary: Vocabulary, text: string): Map<number, number> {
  const { columns, values } = createTextReader(vocabulary)(text);
  return new Map(Array.from(columns, (column, index) => [column, values[index] ?? Number.NaN]));
}

describe.each(reference.variants.map((variant, index) => ({ index, variant })))(
  "TF-IDF against scikit-learn, variant $index",
  ({ variant }) => {
    const vocabulary = fitVocabulary(reference.texts, {
      termsMax: 1000,
      documentsMin: variant.documentsMin,
      wordsPerTermMax: variant.wordsPerTermMax === 2 ? 2 : 1,
      isSublinear: variant.isSublinear,
    });

    test("has the same terms with the same idf", () => {
      const expected = Object.entries(variant.idf);
      expect(vocabulary.hashes).toHaveLength(expected.length);
      for (const [term, idf] of expected) {
        expect(vocabulary.idf[columnOfTerm(vocabulary, term)], term).toBeCloseTo(idf, 8);
      }
    });

    test("gives the same weights", () => {
      for (const [place, row] of variant.rows.entries()) {
        const text = reference.texts[variant.rowIndexes[place] ?? 0] ?? "";
        const weights = weightsOf(vocabulary, text);
        const expected = Object.entries(row);
        expect(weights.size).toBe(expected.length);
        for (const [term, weight] of expected) {
          expect(weights.get(columnOfTerm(vocabulary, term)), term).toBeCloseTo(weight, 8);
        }
      }
    });
  },
);

describe("a vocabulary", () => {
  test("keeps the most frequent terms", () => {
    const texts = ["red red red blue", "red blue green", "blue"];
    const vocabulary = fitVocabulary(texts, { ...OPTIONS, termsMax: 2, wordsPerTermMax: 1 });
    expect(columnOfTerm(vocabulary, "red")).toBeGreaterThanOrEqual(0);
    expect(columnOfTerm(vocabulary, "blue")).toBeGreaterThanOrEqual(0);
    expect(columnOfTerm(vocabulary, "green")).toBe(-1);
  });

  test("may be empty", () => {
    for (const texts of [[], ["", "a ! b"]]) {
      const vocabulary = fitVocabulary(texts, OPTIONS);
      expect(vocabulary.hashes).toHaveLength(0);
      expect(weightsOf(vocabulary, "some text").size).toBe(0);
    }
    expect(fitVocabulary(["one two"], { ...OPTIONS, termsMax: 0 }).hashes).toHaveLength(0);
  });

  test("does not depend on the order of the texts", () => {
    expect(fitVocabulary(reference.texts.toReversed(), OPTIONS)).toEqual(
      fitVocabulary(reference.texts, OPTIONS),
    );
  });
});

describe("a text's weights", () => {
  test("have unit length and rising columns, or are none", () => {
    const vocabulary = fitVocabulary(reference.texts, OPTIONS);
    const read = createTextReader(vocabulary);
    const word = fc.constantFrom("find", "sum", "数学", "Über", "unknown", "a", "\n", "plan");
    fc.assert(
      fc.property(fc.array(word), (words) => {
        const { columns, values } = read(words.join(" "));
        expect([...columns]).toEqual([...new Set(columns)].toSorted((a, b) => a - b));
        const length = values.reduce((sum, value) => sum + value * value, 0);
        if (columns.length > 0) expect(length).toBeCloseTo(1, 12);
        expect(values.every((value) => value > 0)).toBe(true);
      }),
    );
  });

  test("do not depend on what was read before", () => {
    const vocabulary = fitVocabulary(reference.texts, OPTIONS);
    const read = createTextReader(vocabulary);
    const [first = "", second = ""] = reference.texts;
    const there = read(first);
    read(second);
    expect(read(first)).toEqual(there);
  });

  test("tell a pair from its reverse", () => {
    const vocabulary = fitVocabulary(["alpha beta", "beta alpha"], OPTIONS);
    expect(columnOfTerm(vocabulary, "alpha beta")).not.toBe(columnOfTerm(vocabulary, "beta alpha"));
  });
});
