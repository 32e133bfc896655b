import type { Candidate, Decision, Outcome, Rule } from "../core/types.ts";
import { formatShare, formatSpan } from "./number-format.ts";

/** Each rule in a few words. */
export const RULE_NAMES: Readonly<Record<Rule, string>> = {
  price: "best value",
  "confidence-within-slack": "most confident in time",
  quickest: "quickest",
  balance: "balance",
  confidence: "most confident",
  weighted: "best weighted",
  own: "own rule",
  sticky: "stays",
  "sticky-model": "keeps its model",
  "only-candidate": "only choice",
  "late-choice": "late choice",
};

/** How people say an outcome where its own name is not plain enough. */
const STATUS_NAMES: Readonly<Record<string, string>> = {
  completed: "done",
  "engine-failed": "engine failed",
  "client-gone": "client left",
  "queue-timeout": "waited too long",
  "queue-full": "queue full",
  "no-engine": "no engine",
};

/** Where a request is, or how it ended. */
export function statusName(status: "waiting" | "running" | Outcome): string {
  return STATUS_NAMES[status] ?? status;
}

/** Why the request went where it went, in sentences. */
export function explain(decision: Decision): string {
  const sentences = [ruleSentence(decision)];
  if (decision.movedFrom !== null) {
    sentences.push(`It was queued on ${decision.movedFrom} before.`);
  }
  sentences.push(predictionSentence(decision));
  return sentences.join(" ");
}

function ruleSentence(decision: Decision): string {
  const { engine, model, confidence } = decision;
  const solves = `${model} solves the task with a chance of ${formatShare(confidence)}`;
  switch (decision.rule) {
    case "price":
      return `Value is confidence less the price of time. ${solves}, and on ${engine} that leaves the most after the time is paid.${runnerUp(decision)}`;
    case "confidence-within-slack":
      return `${solves}: the most confident model that is quick enough and gains enough over the quickest.`;
    case "quickest":
      if (decision.choice === "quickest") return `${engine} is expected to be done first.`;
      return `No other model was both quick enough and enough better, so ${engine}, the quickest, serves.`;
    case "balance":
      return `The policy looks at load alone, and it was the turn of ${engine}.`;
    case "confidence":
      return `${solves}, and the policy looks at nothing else.`;
    case "weighted":
      return `${solves}; after its share of the time is taken off, ${engine} has the largest value.${runnerUp(decision)}`;
    case "own":
      return `The policy's own rule gives ${engine} the largest value.${runnerUp(decision)}`;
    case "sticky":
      return `An earlier stage of the workflow ran on ${engine}, which still holds its context, so this stage stays.`;
    case "sticky-model":
      return `The engine of the earlier stages cannot serve; ${engine} has the same model.`;
    case "only-candidate":
      return `${engine} was the only live engine that could serve it.`;
    case "late-choice":
      return `${engine} had room and nothing to do, and took the workflow out of the queue where it gains most.`;
  }
}

function runnerUp({ candidates, engine }: Decision): string {
  const chosen = candidates.find((each) => each.engine === engine);
  const others = candidates.filter((each) => each.engine !== engine && each.excluded === null);
  const next = others.toSorted((a, b) => b.value - a.value)[0];
  if (chosen === undefined || next === undefined) return "";
  return ` Next is ${next.engine}, ${(chosen.value - next.value).toFixed(3)} behind.`;
}

function predictionSentence({ prediction, estimateSource }: Decision): string {
  switch (prediction) {
    case "ready":
      return `Lengths and chances come from the predictor (${estimateSource}).`;
    case "late":
      return `The predictor was too late; what earlier workflows showed counted (${estimateSource}).`;
    case "failed":
      return `The predictor failed; what earlier workflows showed counted (${estimateSource}).`;
    case "not-asked":
      return `Lengths and chances come from what earlier workflows showed (${estimateSource}).`;
  }
}

/** What became of one candidate, in a few words. */
export function verdictOf(candidate: Candidate, decision: Decision): string {
  if (candidate.engine === decision.engine) return "chosen";
  const totalMs = candidate.waitMs + candidate.ownMs;
  if (candidate.excluded === "slack") return `too slow: ${formatSpan(totalMs)}`;
  if (candidate.excluded === "gain") return "gains too little";
  if (candidate.excluded === "model") return "not the policy's model";
  return "less value";
}
