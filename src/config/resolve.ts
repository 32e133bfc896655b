import type { Knobs, Speed } from "../core/types.ts";
import type { Config, ConfigPolicy, EngineConfig, EngineKind, VirtualModel } from "./config.ts";
import type { ConfigInput, EngineInput, PolicyInput, VirtualModelInput } from "./schema.ts";

/** The virtual model that stands for all models unless a file says otherwise. */
export const CHIMERA_MODEL = "chimera";

const DEFAULT_CONFIDENCE = 0.5;

/** A guess of the size of a mid-range GPU with a mid-size model; ratios between engines matter more. */
const UNMEASURED_SPEED: Speed = {
  baseMs: 20,
  perSequenceMs: 0.5,
  perKvTokenMs: 0,
  perPromptTokenMs: 0.1,
};

/** Kinds whose present versions have the Responses API. */
const RESPONSES_KINDS: ReadonlySet<EngineKind> = new Set<EngineKind>([
  "vllm",
  "sglang",
  "llama.cpp",
  "ollama",
]);

/** Fills what depends on other keys. The input has passed every check. */
export function resolveConfig(input: ConfigInput): Config {
  const names = engineNames(input.engines);
  const priors = new Map<string, number>();
  for (const { model, confidence } of input.engines) {
    if (confidence !== undefined) priors.set(model, confidence);
  }
  const engines = input.engines.map((engine, index) => {
    const confidence = priors.get(engine.model) ?? DEFAULT_CONFIDENCE;
    return resolveEngine(engine, names[index] ?? engine.model, confidence);
  });
  const models = realModels(engines);
  const virtual = input.models.map((model) => resolveVirtualModel(model, models));
  if (!virtual.some(({ name }) => name === CHIMERA_MODEL)) {
    virtual.unshift({ name: CHIMERA_MODEL, candidates: models, knobs: null });
  }
  return { ...input, engines, models: virtual, policy: resolvePolicy(input.policy) };
}

/** Names of the models that engines serve, in the order of the configuration. */
export function realModels(engines: readonly { readonly model: string }[]): string[] {
  return [...new Set(engines.map(({ model }) => model))];
}

/** Given names, and for the rest the model's name, numbered from 2 where it is taken. */
function engineNames(engines: readonly EngineInput[]): string[] {
  const taken = new Set(engines.flatMap(({ name }) => (name === undefined ? [] : [name])));
  return engines.map(({ name, model }) => {
    if (name !== undefined) return name;
    let free = model;
    for (let number = 2; taken.has(free); number++) free = `${model}-${number}`;
    taken.add(free);
    return free;
  });
}

function resolveEngine(engine: EngineInput, name: string, confidence: number): EngineConfig {
  return {
    ...engine,
    name,
    confidence,
    upstreamModel: engine.upstreamModel ?? engine.model,
    apiKey: engine.apiKey ?? null,
    responses: engine.responses ?? RESPONSES_KINDS.has(engine.kind),
    speed: engine.speed ?? UNMEASURED_SPEED,
    speedIsMeasured: engine.speed !== undefined,
  };
}

function resolveVirtualModel(model: VirtualModelInput, models: readonly string[]): VirtualModel {
  const { price, slack, minGain } = model;
  const knobs: Knobs = {
    ...(price === undefined ? {} : { price }),
    ...(slack === undefined ? {} : { slack }),
    ...(minGain === undefined ? {} : { minGain }),
  };
  return {
    name: model.name,
    candidates: model.candidates ?? models,
    knobs: Object.keys(knobs).length === 0 ? null : knobs,
  };
}

/** The paper's own numbers where the paper's rule chooses (section 4), those of `auto` elsewhere. */
function resolvePolicy(input: PolicyInput): ConfigPolicy {
  const { order, slack, starvationThreshold, starvationQuantum, file, ...rest } = input;
  const isPaper = input.choice === "paper";
  return {
    ...rest,
    order: order ?? (isPaper ? "stjf" : "smith-age"),
    slack: slack === undefined ? (isPaper ? 1 : null) : slack,
    starvationThreshold: starvationThreshold ?? (isPaper ? 200 : 0),
    starvationQuantum: starvationQuantum ?? 10,
    ...(file === undefined ? {} : { file }),
  };
}
