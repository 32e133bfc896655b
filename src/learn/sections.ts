import type { IsotonicMap } from "./calibration.ts";
import type { Classifier } from "./classifier.ts";
import { fault, type Decoded, type Sections } from "./model-file.ts";
import type { Neighbours } from "./neighbours.ts";
import type { Svd } from "./svd.ts";
import type { Vocabulary } from "./text.ts";

/**
 * The smaller models as sections of a model file and back. What comes back is checked for its shape;
 * a file that holds something else gives the fault "unfit".
 */

/** Names the sections of one part of a model, so that several parts share a file. */
export function prefixSections(prefix: string, sections: Sections): Sections {
  return Object.fromEntries(
    Object.entries(sections).map(([name, section]) => [`${prefix}/${name}`, section]),
  );
}

/** The sections of one part, without the prefix. */
export function pickSections(prefix: string, sections: Sections): Sections {
  return Object.fromEntries(
    Object.entries(sections)
      .filter(([name]) => name.startsWith(`${prefix}/`))
      .map(([name, section]) => [name.slice(prefix.length + 1), section]),
  );
}

export function vocabularySections(vocabulary: Vocabulary): Sections {
  const { hashes, idf, wordsPerTermMax, isSublinear } = vocabulary;
  return { hashes, idf, shape: Uint8Array.of(wordsPerTermMax, Number(isSublinear)) };
}

export function vocabularyFromSections({ hashes, idf, shape }: Sections): Decoded<Vocabulary> {
  const isFit =
    hashes instanceof Uint32Array &&
    idf instanceof Float64Array &&
    shape instanceof Uint8Array &&
    hashes.length === idf.length &&
    hashes.every((hash, index) => index === 0 || hash > (hashes[index - 1] ?? 0));
  if (!isFit) return fault("unfit", "the file holds no vocabulary");
  const wordsPerTermMax = shape[0] === 2 ? 2 : 1;
  return { ok: true, value: { hashes, idf, wordsPerTermMax, isSublinear: shape[1] === 1 } };
}

export function svdSections({ components, singularValues }: Svd): Sections {
  return { components, singularValues };
}

export function svdFromSections({ components, singularValues }: Sections): Decoded<Svd> {
  const isFit =
    components instanceof Float32Array &&
    singularValues instanceof Float64Array &&
    singularValues.length > 0 &&
    components.length % singularValues.length === 0;
  if (!isFit) return fault("unfit", "the file holds no projection");
  return { ok: true, value: { rank: singularValues.length, components, singularValues } };
}

export function classifierSections({ weights, intercepts, knownRows }: Classifier): Sections {
  return { weights, intercepts, knownRows };
}

export function classifierFromSections(sections: Sections): Decoded<Classifier> {
  const { weights, intercepts, knownRows } = sections;
  const isFit =
    weights instanceof Float64Array &&
    intercepts instanceof Float64Array &&
    knownRows instanceof Uint32Array &&
    knownRows.length === intercepts.length &&
    intercepts.length > 0 &&
    weights.length % intercepts.length === 0;
  if (!isFit) return fault("unfit", "the file holds no classifier");
  return { ok: true, value: { labelCount: intercepts.length, weights, intercepts, knownRows } };
}

export function neighboursSections({ dimensions, embeddings }: Neighbours): Sections {
  return { embeddings, shape: Uint32Array.of(dimensions) };
}

export function neighboursFromSections({ embeddings, shape }: Sections): Decoded<Neighbours> {
  const dimensions = shape?.[0] ?? 0;
  const isFit =
    embeddings instanceof Float32Array && dimensions > 0 && embeddings.length % dimensions === 0;
  if (!isFit) return fault("unfit", "the file holds no neighbours");
  return { ok: true, value: { dimensions, embeddings } };
}

export function isotonicSections({ scores, values }: IsotonicMap): Sections {
  return { scores, values };
}

export function isotonicFromSections({ scores, values }: Sections): Decoded<IsotonicMap> {
  const isFit =
    scores instanceof Float64Array &&
    values instanceof Float64Array &&
    scores.length === values.length &&
    scores.length > 0 &&
    scores.every((score, index) => index === 0 || score > (scores[index - 1] ?? 0));
  if (!isFit) return fault("unfit", "the file holds no isotonic map");
  return { ok: true, value: { scores, values } };
}
