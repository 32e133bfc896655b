import type { LearnedModels } from "../predict/learned.ts";
import type { LengthModel, LengthPrediction } from "../predict/length-model.ts";
import type { LengthFeatures } from "../predict/length-model-encoder.ts";
import type { StageFacts } from "../predict/port.ts";
import type { RouterConfidence, RouterModel } from "../predict/router-model.ts";

/**
 * The same models, which answer a question again without work: the stages of a workload come back in
 * every window and under every policy. What is remembered is bounded by the recorded stages.
 */
export function remembering({ length, router }: LearnedModels): LearnedModels {
  return {
    length: length === null ? null : rememberingLengths(length),
    router: router === null ? null : rememberingConfidences(router),
  };
}

function rememberingLengths(model: LengthModel): LengthModel {
  const features = new Map<string, LengthFeatures>();
  const predictions = new WeakMap<LengthFeatures, Map<string, LengthPrediction>>();
  return {
    ...model,
    features: (facts) => {
      const key = questionOf(facts);
      const known = features.get(key) ?? model.features(facts);
      features.set(key, known);
      return known;
    },
    predict: (of, name) => {
      const byModel = predictions.get(of) ?? new Map<string, LengthPrediction>();
      predictions.set(of, byModel);
      const known = byModel.get(name) ?? model.predict(of, name);
      byModel.set(name, known);
      return known;
    },
  };
}

function rememberingConfidences(model: RouterModel): RouterModel {
  const answers = new Map<string, RouterConfidence[]>();
  return {
    ...model,
    confidence: (facts, names) => {
      const key = [facts.kind, facts.userTokens, facts.text?.user, ...names].join("\n");
      const known = answers.get(key) ?? model.confidence(facts, names);
      answers.set(key, known);
      return known;
    },
  };
}

/** All that tells one recorded stage from another: its task, its lengths and what was said last. */
function questionOf({ kind, role, stage, promptTokens, producedTokens, text }: StageFacts): string {
  const last = text?.recent.slice(-2).map(({ content }) => content) ?? [];
  return [kind, role, stage, promptTokens, producedTokens.join(" "), text?.user, ...last].join(
    "\n",
  );
}
