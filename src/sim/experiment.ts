import { isPolicyFile } from "../config/policy-file.ts";
import type { Policy } from "../core/types.ts";
import type {
  ExperimentDocument,
  ExperimentWorkload,
  LearnedSpec,
  PolicyEntry,
  PredictorSpec,
  QuickPart,
} from "./experiment-document.ts";

/** Policies by name, and by the path of their file. */
export type KnownPolicies = Readonly<Record<string, Policy>>;

/** A policy as it is run, under the name that tables give it. */
export interface Variant {
  readonly label: string;
  readonly policy: Policy;
  /** Where the rules of the policy come from, which are functions; null where it has none of its own. */
  readonly file: string | null;
  /** Requests that an engine is given beyond its limit. */
  readonly overCommit: number;
  /** Workflows try the models one after the other until one solves them. */
  readonly cascades: boolean;
  /** Instead of the trial's; null where that serves. */
  readonly predictor: PredictorSpec | null;
  /** The sweep that it is a point of, and its value there; null when it stands alone. */
  readonly sweep: { readonly family: string; readonly key: string; readonly value: number } | null;
}

/** How fast work arrives: a share of capacity, or LLM calls per second of all workflows together. */
export interface Rate {
  readonly unit: "load" | "calls/s";
  readonly value: number;
}

/** An experiment with its policies looked up: all combinations of its lists are run. Plain data. */
export interface Experiment extends Omit<
  ExperimentDocument,
  "policies" | "loads" | "callsPerSecond" | "quick"
> {
  readonly rates: readonly Rate[];
  readonly variants: readonly Variant[];
}

/** What a trial's estimates come from. */
export function predictorOf({ predictor, variant }: Trial): PredictorSpec {
  return variant.predictor ?? predictor;
}

/** One simulation of an experiment. */
export interface Trial {
  readonly workload: ExperimentWorkload;
  readonly batchLimit: number;
  readonly rate: Rate;
  readonly predictor: PredictorSpec;
  readonly variant: Variant;
  /** Draws the window of arrivals and the workflows that arrive in it. */
  readonly seed: number;
}

/** All simulations, those that share a workload and its arrivals together. */
export function trialsOf(experiment: Experiment): Trial[] {
  const { workloads, batchLimits, rates, seeds, predictors, variants } = experiment;
  return workloads.flatMap((workload) =>
    batchLimits.flatMap((batchLimit) =>
      rates.flatMap((rate) =>
        seeds.flatMap((seed) =>
          predictors.flatMap((predictor) =>
            variants.map((variant) => ({ workload, batchLimit, rate, predictor, variant, seed })),
          ),
        ),
      ),
    ),
  );
}

/** Workflows of each window of a workload. */
export function workflowsOf(experiment: Experiment, workload: ExperimentWorkload): number {
  return workload.workflows ?? experiment.workflows;
}

export function nameOfPredictor(predictor: PredictorSpec): string {
  if (typeof predictor === "string") return predictor;
  if (isLearned(predictor)) return nameOfLearned(predictor);
  const { kendallDistance, routerArea } = predictor;
  const lengths = kendallDistance === undefined ? [] : [`Kendall ${kendallDistance}`];
  const router = routerArea === undefined ? [] : [`router area ${routerArea}`];
  return [...lengths, ...router].join(" + ");
}

export function isLearned(spec: PredictorSpec): spec is LearnedSpec {
  return typeof spec === "object" && "learned" in spec;
}

function nameOfLearned({ learned }: LearnedSpec): string {
  const lengths = learned.lengths === undefined ? [] : [`learned lengths (${learned.lengths})`];
  const router =
    learned.router === "neighbours"
      ? ["nearest tasks"]
      : learned.router === true
        ? ["learned router"]
        : [];
  return [...lengths, ...router].join(" + ");
}

/** Names that a document uses and does not have, one sentence each. */
export function referenceProblems(document: ExperimentDocument, known: KnownPolicies): string[] {
  const problems: string[] = [];
  const expect = (place: string, word: string, known: readonly string[]): void => {
    if (known.includes(word)) return;
    problems.push(`${place}: "${word}" is not one of ${known.join(", ")}`);
  };
  const workloads = document.workloads.map((workload) => workload.name);
  for (const [index, policy] of document.policies.entries())
    expect(`policies.${index}`, policy.policy, Object.keys(known));
  if (problems.length > 0) return problems;
  const labels = document.policies
    .flatMap((policy) => variantsOf(policy, known))
    .map((variant) => variant.label);
  const families = document.policies.map((policy) => policy.label ?? policy.policy);
  for (const { name, models } of document.workloads) {
    for (const model of models) expect(`workloads ${name}`, model, Object.keys(document.engines));
  }
  expect("baseline", document.baseline, labels);
  for (const [place, names] of Object.entries({ workloads, policies: labels })) {
    const repeated = names.filter((each, index) => names.indexOf(each) !== index);
    for (const each of repeated) problems.push(`${place}: "${each}" is there twice`);
  }
  const predictors = [
    ...document.predictors,
    ...document.policies.flatMap(({ predictor }) => predictor ?? []),
  ];
  if (predictors.some(isLearned)) {
    for (const each of document.workloads.filter(({ recorded }) => recorded === undefined))
      problems.push(`workloads ${each.name}: predictors learn from recorded runs only`);
  }
  for (const row of document.paper) {
    expect("paper", row.workload, workloads);
    expect("paper", row.against, labels);
  }
  for (const each of document.quick.workloads ?? []) expect("quick.workloads", each, workloads);
  const quickPolicies = document.quick.policies ?? [];
  for (const each of quickPolicies) expect("quick.policies", each, [...labels, ...families]);
  if (quickPolicies.length > 0) expect("quick.policies", document.baseline, quickPolicies);
  return problems;
}

/** A document without problems as an experiment: all of it, or its quick part. */
export function completeExperiment(
  document: ExperimentDocument,
  isQuick: boolean,
  known: KnownPolicies,
): Experiment {
  const { quick, policies, loads, callsPerSecond, ...rest } = document;
  const part: QuickPart = isQuick ? quick : {};
  const { workloads: kept, policies: wanted, ...sizes } = part;
  const shares = sizes.loads ?? (sizes.callsPerSecond === undefined ? loads : undefined);
  const variants = policies
    .filter((policy) => wanted?.includes(policy.label ?? policy.policy) ?? true)
    .flatMap((policy) => variantsOf(policy, known));
  return {
    ...rest,
    workflows: sizes.workflows ?? rest.workflows,
    seeds: sizes.seeds ?? rest.seeds,
    batchLimits: sizes.batchLimits ?? rest.batchLimits,
    predictors: sizes.predictors ?? rest.predictors,
    workloads: rest.workloads
      .filter((workload) => kept?.includes(workload.name) ?? true)
      .map((workload) => ({ ...workload, workflows: sizes.workflows ?? workload.workflows })),
    variants,
    rates:
      shares?.map((value) => ({ unit: "load", value })) ??
      (sizes.callsPerSecond ?? callsPerSecond ?? []).map((value) => ({ unit: "calls/s", value })),
  };
}

function variantsOf(entry: PolicyEntry, policies: KnownPolicies): Variant[] {
  const known = policies[entry.policy];
  if (known === undefined) throw new Error(`${entry.policy} was checked before`);
  const family = entry.label ?? entry.policy;
  const { overCommit = 1, cascades = false, ...settings } = entry.set;
  const policy = changed(known, settings);
  const [sweep] = Object.entries(entry.sweep ?? {});
  const { predictor = null } = entry;
  const file = isPolicyFile(entry.policy) ? entry.policy : null;
  if (sweep === undefined) {
    return [{ label: family, policy, file, overCommit, cascades, predictor, sweep: null }];
  }
  const [key, values] = sweep;
  return values.map((value) => ({
    label: `${family} ${key} ${value}`,
    policy: changed(policy, { [key]: value }),
    file,
    overCommit,
    cascades,
    predictor,
    sweep: { family, key, value },
  }));
}

/** The policy with those settings that are given. */
function changed(policy: Policy, settings: Readonly<Record<string, unknown>>): Policy {
  const given = Object.entries(settings).filter(([, value]) => value !== undefined);
  return { ...policy, ...Object.fromEntries(given) };
}
