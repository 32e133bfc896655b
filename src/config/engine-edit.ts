import type { Config, EngineConfig } from "./config.ts";
import { complaintsOf, formatPath } from "./problem.ts";
import { referenceComplaints } from "./references.ts";
import { realModels, resolveConfig } from "./resolve.ts";
import { engineSchema } from "./schema.ts";

export type EngineEdit =
  | { readonly ok: true; readonly config: Config; readonly name: string }
  | { readonly ok: false; readonly problems: readonly string[] };

/** A config with one engine more, written as in the file; every problem at once where it cannot be. */
export function withEngine(config: Config, json: unknown): EngineEdit {
  const parsed = engineSchema.safeParse(json);
  if (!parsed.success) {
    const complaints = complaintsOf(parsed.error.issues, engineSchema, json);
    return refused(complaints.map(({ path, message }) => `${formatPath(path)}: ${message}`));
  }
  const input = parsed.data;
  const replica = config.engines.find(({ model }) => model === input.model);
  const confidence = input.confidence ?? replica?.confidence;
  const [engine] = resolveConfig({
    ...config,
    models: [],
    engines: [{ ...input, name: input.name ?? input.model, confidence }],
  }).engines;
  if (engine === undefined) return refused(["the engine is missing"]);
  return edited(config, [...config.engines, engine], engine.name);
}

/** A config with one engine less; refused where a virtual model names its model, and for the last one. */
export function withoutEngine(config: Config, name: string): EngineEdit {
  const left = config.engines.filter((engine) => engine.name !== name);
  if (left.length === 0) return refused(["the last engine stays; drain it instead"]);
  return edited(config, left, name);
}

function edited(config: Config, engines: readonly EngineConfig[], name: string): EngineEdit {
  const before = realModels(config.engines);
  // A virtual model over all models stays one.
  const models = config.models.map((model) =>
    before.every((each) => model.candidates.includes(each))
      ? { ...model, candidates: realModels(engines) }
      : model,
  );
  const complaints = referenceComplaints({ engines, models, keys: config.keys });
  if (complaints.length > 0) {
    return refused(complaints.map(({ path, message }) => `${formatPath(path)}: ${message}`));
  }
  return { ok: true, name, config: { ...config, engines, models } };
}

function refused(problems: readonly string[]): EngineEdit {
  return { ok: false, problems };
}
