import { fault, type Decoded, type Sections } from "../learn/model-file.ts";
import {
  pickSections,
  prefixSections,
  svdFromSections,
  svdSections,
  vocabularyFromSections,
  vocabularySections,
} from "../learn/sections.ts";
import { createSparseMatrix } from "../learn/sparse.ts";
import { fitSvd, type Svd } from "../learn/svd.ts";
import { createTextReader, fitVocabulary, type Vocabulary } from "../learn/text.ts";

/** The words of a set of texts, and the axes along which they differ most. */
export interface TextAxes {
  readonly vocabulary: Vocabulary;
  readonly svd: Svd;
}

const TERMS_MAX = 5000;
const TERM_DOCUMENTS_MIN = 2;
const OVERSAMPLING = 10;
const ITERATIONS = 4;

/** Null where the texts hold no word that is frequent enough. */
export function fitTextAxes(
  texts: ReadonlySet<string>,
  rank: number,
  seed: number,
): TextAxes | null {
  const vocabulary = fitVocabulary(texts, {
    termsMax: TERMS_MAX,
    documentsMin: TERM_DOCUMENTS_MIN,
    wordsPerTermMax: 2,
    isSublinear: true,
  });
  const termCount = vocabulary.hashes.length;
  if (termCount === 0) return null;
  const matrix = createSparseMatrix(Array.from(texts, createTextReader(vocabulary)), termCount);
  const options = { rank, seed, oversampling: OVERSAMPLING, iterations: ITERATIONS };
  return { vocabulary, svd: fitSvd(matrix, options) };
}

/** Sections of a model file; none for null. */
export function textAxesSections(axes: TextAxes | null): Sections {
  if (axes === null) return {};
  return {
    ...prefixSections("vocabulary", vocabularySections(axes.vocabulary)),
    ...prefixSections("axes", svdSections(axes.svd)),
  };
}

/** What `textAxesSections` wrote; the fault "unfit" for anything else. */
export function textAxesFromSections(sections: Sections): Decoded<TextAxes | null> {
  const words = pickSections("vocabulary", sections);
  const projection = pickSections("axes", sections);
  if (Object.keys(words).length + Object.keys(projection).length === 0) {
    return { ok: true, value: null };
  }
  const vocabulary = vocabularyFromSections(words);
  if (!vocabulary.ok) return vocabulary;
  const svd = svdFromSections(projection);
  if (!svd.ok) return svd;
  const termCount = svd.value.components.length / svd.value.rank;
  if (termCount !== vocabulary.value.hashes.length) {
    return fault("unfit", "the vocabulary and its axes do not belong together");
  }
  return { ok: true, value: { vocabulary: vocabulary.value, svd: svd.value } };
}
