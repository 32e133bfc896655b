import { sigmoid } from "../learn/classifier.ts";
import { createForestReader } from "../learn/forest-reader.ts";
import type { Decoded, Facts } from "../learn/model-file.ts";
import type { StageFacts } from "./port.ts";
import { createFamilyIndex, createPromptReader } from "./router-encoder.ts";
import { baseLogOdds, createHeadReader } from "./router-head.ts";
import { decodeRouterModel, type RouterFile, type RouterParts } from "./router-model-file.ts";
import { knownOutcomes, rateOf } from "./router-rates.ts";
import { workflowOf } from "./router-specialty.ts";

/** How likely a model is to solve a workflow's task. */
export interface RouterConfidence {
  readonly model: string;
  /** Within (0, 1). */
  readonly confidence: number;
  /**
   * - router: learned from outcomes of this model, their number in brackets;
   * - router-prior: the model has no outcomes, so this is the prior that was given for it, or the
   *   mean of the other models on its family, moved by how hard the task is for these;
   * - family-rate, family-prior: the same without the task, for a prompt without text.
   */
  readonly source: string;
}

/** Confidences from the first prompt of a workflow. For one caller at a time. */
export interface RouterModel {
  /** Of the training: see `RouterTrainingFacts`. */
  readonly facts: Facts;
  /** The models that outcomes are known of. */
  readonly models: readonly string[];
  /** One answer per model, in the order given; never throws. */
  readonly confidence: (facts: StageFacts, models: readonly string[]) => RouterConfidence[];
}

/** By model, the confidence to start from where it has no outcomes, 0..1. */
export type RouterPriors = Readonly<Record<string, number>>;

/** The router that a file holds, or why there is none. */
export function loadRouterModel(
  bytes: Uint8Array,
  priors: RouterPriors = {},
): Decoded<RouterModel> {
  const file = decodeRouterModel(bytes);
  return file.ok ? { ok: true, value: createRouterModel(file.value, priors) } : file;
}

export function createRouterModel(file: RouterFile, priors: RouterPriors): RouterModel {
  const { encoder, models, head, facts } = file.whole;
  const { rates, base } = head;
  const read = createPartsReader(file.whole);
  const specialists = new Map(
    file.specialists.map(({ workflow, parts }) => [workflow, createPartsReader(parts)]),
  );
  const places = new Map(models.map((model, place) => [model, place]));
  const given = new Map(Object.entries(priors));
  return {
    facts,
    models,
    confidence: (stage, candidates) => {
      const { family, ease, oddsOf } = read(stage);
      const workflow = workflowOf(encoder.families[family]?.kind ?? "");
      const special = oddsOf === null ? null : (specialists.get(workflow)?.(stage) ?? null);
      return candidates.map((model) => {
        const place = places.get(model);
        if (place === undefined) {
          const rate = given.get(model) ?? rateOf(rates, family, null);
          const confidence = sigmoid(baseLogOdds(base, rate, ease));
          const name = oddsOf === null ? "family-prior" : "router-prior";
          return { model, confidence, source: `${name}(n=0)` };
        }
        const labels = `(n=${knownOutcomes(rates, place)})`;
        if (oddsOf === null) {
          const confidence = rateOf(rates, family, place);
          return { model, confidence, source: `family-rate${labels}` };
        }
        const odds = meanOdds(oddsOf(model), special?.oddsOf?.(model) ?? null);
        return { model, confidence: heldOffEnds(sigmoid(odds)), source: `router${labels}` };
      });
    },
  };
}

/** What one set of examples says of a prompt. */
interface PartsAnswer {
  readonly family: number;
  readonly ease: number;
  /** Calibrated log odds of a model, null for one without outcomes here; null for no text. */
  readonly oddsOf: ((model: string) => number | null) | null;
}

function createPartsReader(parts: RouterParts): (stage: StageFacts) => PartsAnswer {
  const { encoder, models, head } = parts;
  const { slope, intercept } = head.calibration;
  const readPrompt = createPromptReader(encoder);
  const readHead = createHeadReader(head, encoder.text?.vocabulary.hashes.length ?? 0);
  const difficulty = createForestReader(parts.difficulty);
  const familyOf = createFamilyIndex(encoder.families);
  const places = new Map(models.map((model, place) => [model, place]));
  return (stage) => {
    const prompt = readPrompt(stage);
    if (prompt === null) return { family: familyOf(stage.kind, null), ease: 0, oddsOf: null };
    const ease = difficulty.ordering(prompt.row);
    const odds = readHead({ prompt, ease });
    return {
      family: prompt.family,
      ease,
      oddsOf: (model) => {
        const place = places.get(model);
        return place === undefined ? null : slope * odds(place) + intercept;
      },
    };
  };
}

/** Whole and specialist weigh the same: their errors differ, and neither was better everywhere. */
function meanOdds(whole: number | null, special: number | null): number {
  return special === null ? (whole ?? 0) : ((whole ?? special) + special) / 2;
}

/** Nobody is certain: a confidence of 0 or 1 could not be weighed against anything. */
const CONFIDENCE_MIN = 0.0005;

function heldOffEnds(confidence: number): number {
  return Math.min(Math.max(confidence, CONFIDENCE_MIN), 1 - CONFIDENCE_MIN);
}
