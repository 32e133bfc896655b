import { assert } from "./assert.ts";
import type { Candidate, Rule } from "./types.ts";

/** A candidate that a rule marks: the rule writes `value` and `excluded`, the weighing the rest. */
export interface Ruled extends Candidate {
  waitMs: number;
  ownMs: number;
  delayMs: number;
  bonus: number;
  value: number;
  excluded: Candidate["excluded"];
}

/** The choices that candidates' numbers decide alone: no turn, no chance, no rule from outside. */
export const NUMBER_CHOICES = [
  "auto",
  "paper",
  "balancer",
  "least-tokens",
  "quickest",
  "most-confident",
  "weighted",
] as const;

export type NumberChoice = (typeof NUMBER_CHOICES)[number];

/** What a rule weighs the numbers with. */
export interface RuleTerms {
  /** auto: kappa / T0, the price of one ms in units of score; weighted: the price as it is. */
  readonly pricePerMs: number;
  /** tau; null: no cap. */
  readonly slack: number | null;
  /** delta_s of the paper. */
  readonly minGain: number;
}

export interface Ruling<C> {
  readonly best: C;
  readonly rule: Rule;
}

/**
 * Who serves, by numbers that are already filled in; at least one candidate. Ties go to the first. The
 * one place where these policies are: live decisions and what-if questions both come here.
 */
export function rule<C extends Ruled>(
  choice: NumberChoice,
  candidates: readonly C[],
  terms: RuleTerms,
): Ruling<C> {
  switch (choice) {
    case "auto":
      return byPrice(candidates, terms);
    case "paper":
      return byConfidenceWithinSlack(candidates, terms);
    case "balancer":
      for (const each of candidates) each.value = -(4 * each.waiting + each.running);
      return { best: largest(candidates), rule: "balance" };
    case "least-tokens":
      for (const each of candidates) each.value = -each.inFlightTokens;
      return { best: largest(candidates), rule: "balance" };
    case "quickest":
      for (const each of candidates) each.value = -(each.waitMs + each.ownMs);
      return { best: largest(candidates), rule: "quickest" };
    case "most-confident":
      for (const each of candidates) each.value = each.confidence;
      return { best: leastLoadedOfBest(candidates), rule: "confidence" };
    case "weighted":
      return byWeight(candidates, terms.pricePerMs);
  }
}

/** Of the candidates with the largest value (the replicas of one model), the one with the least in flight. */
function leastLoadedOfBest<C extends Ruled>(candidates: readonly C[]): C {
  let best = largest(candidates);
  for (const each of candidates) {
    if (each.value === best.value && each.inFlightTokens < best.inFlightTokens) best = each;
  }
  return best;
}

/** weighted: q less the weight times the expected time, scaled so that the slowest candidate's is 1. */
function byWeight<C extends Ruled>(candidates: readonly C[], weight: number): Ruling<C> {
  let slowestMs = Number.MIN_VALUE;
  for (const each of candidates) slowestMs = Math.max(slowestMs, each.waitMs + each.ownMs);
  for (const each of candidates) {
    each.value = each.confidence - (weight * (each.waitMs + each.ownMs)) / slowestMs;
  }
  return { best: largest(candidates), rule: "weighted" };
}

export function largest<C extends Ruled>(candidates: readonly C[]): C {
  let best: C | null = null;
  for (const each of candidates) {
    if (each.excluded === null && (best === null || each.value > best.value)) best = each;
  }
  assert(best !== null, "one candidate is always left");
  return best;
}

/** auto: the largest q - (kappa / T0) x (W + y tpot + X). */
function byPrice<C extends Ruled>(candidates: readonly C[], terms: RuleTerms): Ruling<C> {
  const { pricePerMs, slack } = terms;
  let least = Number.POSITIVE_INFINITY;
  for (const each of candidates) {
    least = Math.min(least, each.waitMs + each.ownMs);
    each.value = each.confidence - pricePerMs * (each.waitMs + each.ownMs + each.delayMs);
    each.value += each.bonus;
  }
  if (slack !== null) {
    for (const each of candidates) {
      if (each.waitMs + each.ownMs > (1 + slack) * least) each.excluded = "slack";
    }
  }
  return { best: largest(candidates), rule: "price" };
}

/**
 * The load that the paper weighs: L, the time to the last token of everything in flight, and with
 * `ownWork` the request's own.
 */
export function fillPaperLoad(
  each: Ruled,
  profile: { readonly profileMsPerToken: number; readonly profileBatch: number },
  ownWork: boolean,
): void {
  const { profileMsPerToken, profileBatch } = profile;
  each.waitMs = (each.inFlightTokens * profileMsPerToken) / profileBatch;
  each.ownMs = ownWork ? each.remainingTokens * profileMsPerToken : 0;
}

/** Algorithm 1 of the paper, line by line. */
function byConfidenceWithinSlack<C extends Ruled>(
  candidates: readonly C[],
  terms: RuleTerms,
): Ruling<C> {
  const { minGain } = terms;
  const slack = terms.slack ?? Number.POSITIVE_INFINITY;
  for (const each of candidates) each.value = -(each.waitMs + each.ownMs);
  const models = quickestOfEachModel(candidates);
  const fast = largest(models);
  const byConfidence = [...models].sort((a, b) => b.confidence - a.confidence);
  for (const each of byConfidence) {
    if (-each.value > (1 + slack) * -fast.value) each.excluded = "slack";
    else if (each.confidence < fast.confidence + minGain) each.excluded = "gain";
    else return { best: each, rule: "confidence-within-slack" };
  }
  fast.excluded = null;
  return { best: fast, rule: "quickest" };
}

/** Of several engines of one model, the one with the least load stands for it. */
function quickestOfEachModel<C extends Ruled>(candidates: readonly C[]): C[] {
  const models = new Map<string, C>();
  for (const each of candidates) {
    const known = models.get(each.model);
    if (known === undefined || each.value > known.value) models.set(each.model, each);
  }
  return [...models.values()];
}
