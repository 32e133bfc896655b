import { assert } from "./assert.ts";
import { fillPaperLoad, NUMBER_CHOICES, rule, type NumberChoice, type Ruled } from "./rule.ts";
import type { Candidate, Decision, EngineSpec, Rule } from "./types.ts";

/** What is asked for; where it says nothing, what counted for the decision stays. */
export interface WhatIf {
  readonly choice?: NumberChoice;
  readonly price?: number;
  /** null: no cap. */
  readonly slack?: number | null;
  readonly minGain?: number;
}

/** What the paper's load needs and a decision does not hold. */
export interface PaperLoad {
  readonly ownWork: boolean;
  readonly profileOf: (
    engine: string,
  ) => Pick<EngineSpec, "profileMsPerToken" | "profileBatch"> | undefined;
}

/** Why a decision stands whatever the knobs are. */
export type Fixed =
  /** There was nothing to choose: one engine, or a later stage that stays. */
  | "one-candidate"
  /** It came from the order of the queues, not from a choice of its own. */
  | "late-choice"
  /** The numbers that the other choice weighs were not recorded. */
  | "no-numbers";

export interface Redecision {
  readonly best: Candidate;
  readonly rule: Rule;
  readonly candidates: readonly Candidate[];
}

/**
 * Decides once more, by the rule that decides live, with other knobs and the load that was seen then.
 * What another decision would have changed about the load of the next is not in it.
 */
export function redecide(
  decision: Decision,
  { choice: asked, price, slack, minGain }: WhatIf,
  load: PaperLoad,
): Redecision | Fixed {
  if (decision.candidates.length < 2) return "one-candidate";
  if (decision.rule === "late-choice") return "late-choice";
  const choice = asked ?? NUMBER_CHOICES.find((each) => each === decision.choice);
  const candidates = decision.candidates.map((each): Ruled => ({ ...each, excluded: null }));
  if (choice === undefined || !haveNumbers(choice, candidates, { decision, load })) {
    return "no-numbers";
  }
  const terms = {
    pricePerMs: (price ?? decision.price) / (decision.unloadedMs ?? 1),
    slack: slack === undefined ? decision.slack : slack,
    minGain: minGain ?? decision.minGain,
  };
  return { ...rule(choice, candidates, terms), candidates };
}

/** Fills in what the choice weighs and was not weighed then; false where that is not known. */
function haveNumbers(
  choice: NumberChoice,
  candidates: readonly Ruled[],
  { decision, load }: { readonly decision: Decision; readonly load: PaperLoad },
): boolean {
  if (choice === "auto") return decision.unloadedMs !== null;
  if (choice === "quickest" || choice === "weighted") {
    return decision.unloadedMs !== null || decision.choice === choice;
  }
  if (choice !== "paper" || decision.choice === "paper") return true;
  for (const each of candidates) {
    const profile = load.profileOf(each.engine);
    if (profile === undefined) return false;
    fillPaperLoad(each, profile, load.ownWork);
  }
  return true;
}

/** W + y tpot of a candidate as it was weighed then, ms; null where times were not weighed. */
export function expectedMs(decision: Decision, engine: string): number | null {
  if (decision.choice !== "auto" && decision.choice !== "paper" && decision.choice !== "own") {
    return null;
  }
  const candidate = decision.candidates.find((each) => each.engine === engine);
  assert(candidate !== undefined, "what was chosen was a candidate");
  return candidate.waitMs + candidate.ownMs;
}
