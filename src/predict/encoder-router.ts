import { applyPlatt } from "../learn/calibration.ts";
import { sigmoid } from "../learn/classifier.ts";
import type { Decoded, Facts } from "../learn/model-file.ts";
import { readEncoderFolder } from "./encoder-folder.ts";
import type { EncoderLabel } from "./encoder-manifest.ts";
import { openEncoder, type EncoderSession } from "./encoder-session.ts";
import type { StageFacts } from "./port.ts";
import { RecentMap } from "./recent-map.ts";
import { promptTextOf } from "./router-features.ts";
import type { RouterConfidence, RouterModel, RouterPriors } from "./router-model.ts";

/** A router whose confidences come from an encoder. For one caller at a time. */
export interface EncoderRouter {
  /** Of the training, from the manifest. */
  readonly facts: Facts;
  readonly models: readonly string[];
  /** Reads the prompts of stages; the answer knows these, and takes any other for one without text. */
  readonly read: (stages: readonly StageFacts[]) => Promise<RouterModel>;
  readonly close: () => Promise<void>;
}

/** Later stages of a workflow ask for its first prompt again. */
const PROMPTS_KEPT = 256;
const CONFIDENCE_MIN = 0.0005;

/** Loads the router in an encoder's folder, or says why there is none. Never rejects. */
export async function loadEncoderRouter(
  folder: string,
  priors: RouterPriors = {},
): Promise<Decoded<EncoderRouter>> {
  const read = await readEncoderFolder(folder);
  if (!read.ok) return read;
  const session = await openEncoder(read.value);
  if (!session.ok) return session;
  const { labels, training } = read.value.manifest;
  return { ok: true, value: createEncoderRouter(labels, training, session.value, priors) };
}

function createEncoderRouter(
  labels: readonly EncoderLabel[],
  facts: Facts,
  session: EncoderSession,
  priors: RouterPriors,
): EncoderRouter {
  const models = labels.map(({ model }) => model);
  const kept = new RecentMap<Float32Array>(PROMPTS_KEPT);
  const confidencesOf = createConfidences(labels, priors);
  return {
    facts,
    models,
    read: async (stages) => {
      const known = await logitsByText(textsOf(stages), session, kept);
      const confidence = (stage: StageFacts, candidates: readonly string[]): RouterConfidence[] => {
        const text = promptTextOf(stage.text);
        return confidencesOf(text === null ? null : (known.get(text) ?? null), candidates);
      };
      return { facts, models, confidence };
    },
    close: session.close,
  };
}

function textsOf(stages: readonly StageFacts[]): Set<string> {
  return new Set(stages.flatMap(({ text }) => promptTextOf(text) ?? []));
}

async function logitsByText(
  texts: ReadonlySet<string>,
  session: EncoderSession,
  kept: RecentMap<Float32Array>,
): Promise<ReadonlyMap<string, Float32Array>> {
  const known = new Map<string, Float32Array>();
  const unread: string[] = [];
  for (const text of texts) {
    const logits = kept.get(text);
    if (logits === undefined) unread.push(text);
    else known.set(text, logits);
  }
  const rows = await session.logitsOf(unread.map(session.tokensOf));
  for (const [index, text] of unread.entries()) {
    const logits = rows[index];
    if (logits === undefined) continue;
    known.set(text, logits);
    kept.set(text, logits);
  }
  return known;
}

/**
 * Confidences from logits, null for a prompt without text. A model without a label starts from the
 * prior that was given for it, or from the mean rate of the others, and moves as the others do on this prompt.
 */
function createConfidences(
  labels: readonly EncoderLabel[],
  priors: RouterPriors,
): (logits: Float32Array | null, candidates: readonly string[]) => RouterConfidence[] {
  const places = new Map(labels.map(({ model }, place) => [model, place]));
  const given = new Map(Object.entries(priors));
  const meanRate = labels.reduce((sum, { rate }) => sum + rate, 0) / labels.length;
  return (logits, candidates) => {
    const ease = logits === null ? 0 : easeOf(labels, logits);
    return candidates.map((model) => {
      const place = places.get(model);
      const label = place === undefined ? undefined : labels[place];
      if (label === undefined || place === undefined) {
        const odds = logOdds(given.get(model) ?? meanRate) + ease;
        return {
          model,
          confidence: heldOffEnds(sigmoid(odds)),
          source: "router-encoder-prior(n=0)",
        };
      }
      const { calibration, rate, outcomes } = label;
      const name = logits === null ? "router-encoder-rate" : "router-encoder";
      const confidence =
        logits === null ? rate : applyPlatt(calibration, logits[place] ?? Number.NaN);
      return { model, confidence: heldOffEnds(confidence), source: `${name}(n=${outcomes})` };
    });
  };
}

/** How much more likely than usual the models are to solve a prompt, in log odds. */
function easeOf(labels: readonly EncoderLabel[], logits: Float32Array): number {
  let sum = 0;
  for (const [place, { calibration, rate }] of labels.entries()) {
    sum += logOdds(applyPlatt(calibration, logits[place] ?? Number.NaN)) - logOdds(rate);
  }
  return sum / labels.length;
}

function logOdds(chance: number): number {
  const held = heldOffEnds(chance);
  return Math.log(held / (1 - held));
}

function heldOffEnds(confidence: number): number {
  return Math.min(Math.max(confidence, CONFIDENCE_MIN), 1 - CONFIDENCE_MIN);
}
