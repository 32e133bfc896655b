import { createForestReader } from "../learn/forest-reader.ts";
import type { Decoded, Facts } from "../learn/model-file.ts";
import type { LengthRecipe } from "./length-features.ts";
import { createRowWriter, type LengthFeatures } from "./length-model-encoder.ts";
import { decodeLengthModel, type LengthMargins, type LengthParts } from "./length-model-file.ts";
import { GroupIndex } from "./length-model-groups.ts";
import type { StageFacts } from "./port.ts";

/** Levels of the quantiles that are predicted. */
export const LENGTH_LEVELS: readonly number[] = [0.1, 0.25, 0.5, 0.75, 0.9];
const MEDIAN_AT = 2;

/** Output tokens of a stage and all later ones of its workflow, should a model serve them. */
export interface LengthPrediction {
  /** Inside the usual range of its group. */
  readonly mean: number;
  readonly median: number;
  /** One for each of `LENGTH_LEVELS`, rising; 10 to 90 % covers 80 % of cases like those of training. */
  readonly quantiles: readonly number[];
  /** Output tokens of the stage alone. */
  readonly stageTokens: number;
}

/** Predicts remaining lengths, in tokens, each at least 1. For one caller at a time. */
export interface LengthModel {
  readonly recipe: LengthRecipe;
  /** Of the training: see `LengthTrainingFacts`. */
  readonly facts: Facts;
  /** Reads a stage's text once for all models. */
  readonly features: (facts: StageFacts) => LengthFeatures;
  /** The cheapest number that orders stages. */
  readonly order: (features: LengthFeatures, model: string) => number;
  readonly predict: (features: LengthFeatures, model: string) => LengthPrediction;
}

/** The model that a file holds, or why there is none. */
export function loadLengthModel(bytes: Uint8Array): Decoded<LengthModel> {
  const parts = decodeLengthModel(bytes);
  return parts.ok ? { ok: true, value: createLengthModel(parts.value) } : parts;
}

export function createLengthModel(parts: LengthParts): LengthModel {
  const { encoder, margins, facts } = parts;
  const writer = createRowWriter(encoder);
  const remaining = createForestReader(parts.remaining);
  const stage = createForestReader(parts.stage);
  const growth = parts.growth === null ? null : createForestReader(parts.growth);
  const groups = new GroupIndex(encoder.groups);
  const quantiles = new Float64Array(LENGTH_LEVELS.length);
  const isLog = encoder.recipe === "default";
  const centreOf = (row: Float32Array): number => {
    const first = remaining.ordering(row);
    return growth === null ? first : middleOf(first, stage.ordering(row) + growth.ordering(row));
  };
  return {
    recipe: encoder.recipe,
    facts,
    features: writer.features,
    order: (features, model) => {
      const row = writer.setModel(features, model);
      const value = centreOf(row);
      return atLeastOne(isLog ? Math.expm1(value) : value);
    },
    predict: (features, model) => {
      const row = writer.setModel(features, model);
      remaining.quantiles(row, LENGTH_LEVELS, quantiles);
      let mean = remaining.mean(row);
      if (growth !== null) {
        const centre = centreOf(row);
        const shift = centre - Math.log1p(quantiles[MEDIAN_AT] ?? 0);
        for (const [at, tokens] of quantiles.entries()) quantiles[at] = moved(tokens, shift);
        mean = moved(mean, centre - remaining.ordering(row));
      }
      const widened = widen(quantiles, margins);
      return {
        mean: atLeastOne(groups.bounded(mean, features.facts, model)),
        median: widened[MEDIAN_AT] ?? 1,
        quantiles: widened,
        stageTokens: atLeastOne(Math.expm1(stage.ordering(row))),
      };
    },
  };
}

/**
 * Where the median of a prediction stands that goes two ways to a remaining length, in ln: midway
 * between what its own forest says and the stage's length with the growth from it.
 */
export function middleOf(first: number, second: number): number {
  return (first + second) / 2;
}

/** Quantiles by their level, moved apart by the margins; the median stays and keeps them in order. */
function widen(quantiles: Float64Array, { outer, inner }: LengthMargins): number[] {
  const [low = 1, lowInner = 1, median = 1, highInner = 1, high = 1] = quantiles;
  const middle = atLeastOne(median);
  const left = Math.min(moved(lowInner, -inner), middle);
  const right = Math.max(moved(highInner, inner), middle);
  return [
    Math.min(moved(low, -outer), left),
    left,
    middle,
    right,
    Math.max(moved(high, outer), right),
  ];
}

function moved(tokens: number, by: number): number {
  return atLeastOne(Math.expm1(Math.log1p(tokens) + by));
}

function atLeastOne(tokens: number): number {
  return Math.max(1, tokens);
}
