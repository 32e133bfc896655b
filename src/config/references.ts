import { accessComplaints } from "./access-references.ts";
import { fieldOf, listOf, textOf } from "./plain-value.ts";
import { closestWord, type Complaint } from "./problem.ts";
import { CHIMERA_MODEL, realModels } from "./resolve.ts";

interface EngineNames {
  readonly index: number;
  readonly name: string | null;
  readonly model: string | null;
  readonly confidence: number | null;
  readonly kind: unknown;
  readonly priority: unknown;
}

/** Engine kinds that take a priority in the body of a request. */
const PRIORITY_KINDS: readonly unknown[] = ["vllm", "sglang", "openai", undefined];

/**
 * Checks names against each other. Works on the plain value, right or wrong in shape, so that these
 * complaints come together with those about the shape.
 */
export function referenceComplaints(value: unknown): Complaint[] {
  const engines = listOf(value, "engines").map(engineNamesOf);
  const models = listOf(value, "models");
  return [
    ...engineNameComplaints(engines),
    ...priorComplaints(engines),
    ...priorityComplaints(engines),
    ...virtualNameComplaints(engines, models),
    ...candidateComplaints(engines, models),
    ...policyComplaints(fieldOf(value, "policy")),
    ...accessComplaints(value),
  ];
}

function engineNameComplaints(engines: readonly EngineNames[]): Complaint[] {
  const complaints: Complaint[] = [];
  const owners = new Map<string, number>();
  for (const { index, name, model } of engines) {
    if (model === CHIMERA_MODEL) {
      const message = `${CHIMERA_MODEL} stands for all models; give this one another name, and its own in upstreamModel`;
      complaints.push({ path: ["engines", index, "model"], about: "value", message });
    }
    if (name === null) continue;
    const owner = owners.get(name);
    if (owner === undefined) owners.set(name, index);
    else {
      const message = `is the name of engines[${owner}] too; give each engine its own name`;
      complaints.push({ path: ["engines", index, "name"], about: "value", message });
    }
  }
  return complaints;
}

/** A confidence belongs to a model, so two replicas may not claim different ones. */
function priorComplaints(engines: readonly EngineNames[]): Complaint[] {
  const complaints: Complaint[] = [];
  const claims = new Map<string, EngineNames>();
  for (const engine of engines) {
    const { index, model, confidence } = engine;
    if (model === null || confidence === null) continue;
    const claim = claims.get(model);
    if (claim === undefined) claims.set(model, engine);
    else if (claim.confidence !== confidence) {
      const message = `differs from that of engines[${claim.index}], which serves the same model; give one of them`;
      complaints.push({ path: ["engines", index, "confidence"], about: "value", message });
    }
  }
  return complaints;
}

function priorityComplaints(engines: readonly EngineNames[]): Complaint[] {
  return engines
    .filter(({ priority }) => priority === "vllm" || priority === "sglang")
    .filter(({ kind }) => !PRIORITY_KINDS.includes(kind))
    .map(({ index, kind }) => ({
      path: ["engines", index, "priority"],
      about: "value",
      message: `must be none: an engine of kind ${String(kind)} takes no priority`,
    }));
}

function virtualNameComplaints(
  engines: readonly EngineNames[],
  models: readonly unknown[],
): Complaint[] {
  const complaints: Complaint[] = [];
  const owners = new Map<string, string>();
  for (const { index, model } of engines) {
    if (model !== null && !owners.has(model)) owners.set(model, `the model of engines[${index}]`);
  }
  for (const [index, entry] of models.entries()) {
    const name = textOf(entry, "name");
    if (name === null) continue;
    const owner = owners.get(name);
    if (owner === undefined) owners.set(name, `the name of models[${index}]`);
    else if (name !== CHIMERA_MODEL || owner.startsWith("the name")) {
      const message = `is ${owner} too; give it another name`;
      complaints.push({ path: ["models", index, "name"], about: "value", message });
    }
  }
  return complaints;
}

function candidateComplaints(
  engines: readonly EngineNames[],
  models: readonly unknown[],
): Complaint[] {
  const named = engines.flatMap(({ model }) => (model === null ? [] : [{ model }]));
  // With a broken engine the list of models is not known, and complaints would only confuse.
  if (named.length === 0 || named.length < engines.length) return [];
  const known = realModels(named);
  return models.flatMap((entry, index) => {
    const candidates = listOf(entry, "candidates");
    return candidates.flatMap((candidate, position): Complaint[] => {
      if (typeof candidate !== "string") return [];
      const path = ["models", index, "candidates", position];
      if (candidates.indexOf(candidate) < position) {
        return [{ path, about: "value", message: "is listed twice; remove one" }];
      }
      if (known.includes(candidate)) return [];
      const close = closestWord(candidate, known);
      const hint = close === null ? `engines serve ${known.join(", ")}` : `did you mean ${close}?`;
      return [{ path, about: "value", message: `must be a model that an engine serves; ${hint}` }];
    });
  });
}

/** What may stand beside a policy's file: the numbers of the price. */
const BESIDE_FILE: readonly string[] = ["file", "price", "slack", "minGain"];

/** A module says which policy it changes and how, so that it means the same wherever it is used. */
function policyComplaints(policy: unknown): Complaint[] {
  if (fieldOf(policy, "file") === undefined || typeof policy !== "object" || policy === null) {
    return [];
  }
  return Object.keys(policy)
    .filter((key) => !BESIDE_FILE.includes(key))
    .map((key) => ({
      path: ["policy", key],
      about: "key",
      message: "cannot stand beside policy.file; put it into that file (base, settings)",
    }));
}

function engineNamesOf(entry: unknown, index: number): EngineNames {
  const confidence = fieldOf(entry, "confidence");
  return {
    index,
    name: textOf(entry, "name"),
    model: textOf(entry, "model"),
    confidence: typeof confidence === "number" ? confidence : null,
    kind: fieldOf(entry, "kind"),
    priority: fieldOf(entry, "priority"),
  };
}
