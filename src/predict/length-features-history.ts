import { repetitionOf } from "./length-features-text.ts";
import type { StageText } from "./port.ts";

/**
 * What the newest messages tell of a workflow's course. A number is NaN where nothing has happened
 * that it could be read from; counts are 0 then. Lengths are in characters.
 */
export const HISTORY_NAMES = [
  // Outputs of this stage's own agent.
  "ownCount",
  "ownLast",
  "ownMean",
  "ownMax",
  "ownMin",
  "ownLastNewlines",
  // The last output of any agent; its parts are answers, actions and turns that it plays by itself.
  "outputCharacters",
  "outputIsUnfinished",
  "outputParts",
  // The last output that is not a verdict, and how far it repeats the one of the same agent before it.
  "hasAnswer",
  "hasAction",
  "hasNeither",
  "repetition",
  // Over all outputs.
  "answerCount",
  "unfinishedCount",
  // The last message of the environment.
  "observationCharacters",
  "isError",
  "isWrong",
  "isNotUnderstood",
  "isEmpty",
  "stepsLeft",
  "chancesLeft",
  "isLastStep",
  // Over all messages of the environment.
  "errorCount",
  "wrongCount",
  "notUnderstoodCount",
  "emptyCount",
  // The last message that holds a verdict (1 good, 0 bad), and the bad ones of all.
  "verdict",
  "verdictCharacters",
  "badVerdictCount",
] as const;

export type HistoryName = (typeof HISTORY_NAMES)[number];
export type LengthHistory = Readonly<Record<HistoryName, number>>;

type Message = StageText["recent"][number];

/** Newest messages that are looked at, and characters of each. */
const MESSAGES_MAX = 64;
const MESSAGE_CHARACTERS_MAX = 16_384;

const OWN_ROLE = "assistant";
const ENVIRONMENT_ROLES: ReadonlySet<string> = new Set([
  "user",
  "tool",
  "function",
  "environment",
  "observation",
]);
const IGNORED_ROLES: ReadonlySet<string> = new Set(["system", "developer"]);

const ANSWER = /<(?:solution|answer)>|final answer|\\boxed\b/i;
const ACTION = /<(?:execute|action|tool_call)>|^action:|"arguments":/im;
const PART = /<(?:solution|answer|execute|action|tool_call)>|^[ \t]*(?:assistant|action):/gim;
const FINISHED = /[.!?)\]}>"'`$]\s*$/;
const ERROR = /error|exception|traceback/i;
const WRONG = /\bwrong\b|\bincorrect\b/i;
const NOT_UNDERSTOOD = /(?:don't|do not|cannot|can't|not) underst[oa]+d|could not (?:be )?parse/i;
const EMPTY = /\bno output\b|nothing happens|\[\]/i;
const STEPS_LEFT =
  /\b(\d{1,6}) (?:more )?(?:steps?|turns?|rounds?|iterations?|calls?) (?:left|remain)/i;
const CHANCES_LEFT =
  /\b(\d{1,6}) (?:more )?(?:chances?|attempts?|tries)\b[^.\n]{0,40}?\b(?:left|remain)/i;
const LAST_STEP = /\b(?:last|final) (?:step|turn|attempt|chance)\b/i;
const VERDICT =
  /\b(?:(GOOD|APPROVED?|ACCEPTED?|CORRECT|LGTM)|BAD|REJECT(?:ED)?|INCORRECT|REVISE)\b/;

/** Reads the messages that came after the task; an empty list is the start of a workflow. */
export function readHistory(recent: readonly Message[]): LengthHistory {
  const messages = recent
    .slice(-MESSAGES_MAX)
    .filter(({ role }) => !IGNORED_ROLES.has(role))
    .map(({ role, content }) => ({ role, content: content.slice(0, MESSAGE_CHARACTERS_MAX) }));
  const observations = messages.filter(({ role }) => ENVIRONMENT_ROLES.has(role));
  const outputs = messages.filter(({ role }) => !ENVIRONMENT_ROLES.has(role));
  return {
    ...readOwn(outputs.filter(({ role }) => role === OWN_ROLE)),
    ...readOutputs(outputs),
    ...readObservations(observations.map(({ content }) => content)),
    ...readVerdicts(messages.map(({ content }) => content)),
  };
}

type Part<K extends HistoryName> = Pick<LengthHistory, K>;

function readOwn(
  own: readonly Message[],
): Part<"ownCount" | "ownLast" | "ownMean" | "ownMax" | "ownMin" | "ownLastNewlines"> {
  const lengths = own.map(({ content }) => content.length);
  const last = own.at(-1)?.content ?? null;
  return {
    ownCount: own.length,
    ownLast: last?.length ?? Number.NaN,
    ownMean: meanOf(lengths),
    ownMax: largestOf(lengths),
    ownMin: leastOf(lengths),
    ownLastNewlines: last === null ? Number.NaN : last.split("\n").length - 1,
  };
}

function readOutputs(
  outputs: readonly Message[],
): Part<
  | "outputCharacters"
  | "outputIsUnfinished"
  | "outputParts"
  | "hasAnswer"
  | "hasAction"
  | "hasNeither"
  | "repetition"
  | "answerCount"
  | "unfinishedCount"
> {
  const last = outputs.at(-1)?.content ?? null;
  const work = outputs.filter(({ content }) => !VERDICT.test(content));
  const newest = work.at(-1);
  const before = work.slice(0, -1).findLast(({ role }) => role === newest?.role);
  const hasAnswer = flagOf(ANSWER, newest?.content ?? null);
  const hasAction = flagOf(ACTION, newest?.content ?? null);
  return {
    outputCharacters: last?.length ?? Number.NaN,
    outputIsUnfinished: 1 - flagOf(FINISHED, last),
    outputParts: last === null ? Number.NaN : (last.match(PART) ?? []).length,
    hasAnswer,
    hasAction,
    hasNeither: newest === undefined ? Number.NaN : Number(hasAnswer + hasAction === 0),
    repetition:
      newest === undefined || before === undefined
        ? Number.NaN
        : repetitionOf(newest.content, before.content),
    answerCount: outputs.filter(({ content }) => ANSWER.test(content)).length,
    unfinishedCount: outputs.filter(({ content }) => !FINISHED.test(content)).length,
  };
}

function readObservations(
  observations: readonly string[],
): Part<
  | "observationCharacters"
  | "isError"
  | "isWrong"
  | "isNotUnderstood"
  | "isEmpty"
  | "stepsLeft"
  | "chancesLeft"
  | "isLastStep"
  | "errorCount"
  | "wrongCount"
  | "notUnderstoodCount"
  | "emptyCount"
> {
  const last = observations.at(-1) ?? null;
  const count = (pattern: RegExp): number =>
    observations.filter((observation) => pattern.test(observation)).length;
  return {
    observationCharacters: last?.length ?? Number.NaN,
    isError: flagOf(ERROR, last),
    isWrong: flagOf(WRONG, last),
    isNotUnderstood: flagOf(NOT_UNDERSTOOD, last),
    isEmpty: flagOf(EMPTY, last),
    stepsLeft: numberIn(STEPS_LEFT, last),
    chancesLeft: numberIn(CHANCES_LEFT, last),
    isLastStep: flagOf(LAST_STEP, last),
    errorCount: count(ERROR),
    wrongCount: count(WRONG),
    notUnderstoodCount: count(NOT_UNDERSTOOD),
    emptyCount: count(EMPTY),
  };
}

function readVerdicts(
  texts: readonly string[],
): Part<"verdict" | "verdictCharacters" | "badVerdictCount"> {
  let verdict = Number.NaN;
  let verdictCharacters = Number.NaN;
  let badVerdictCount = 0;
  for (const text of texts) {
    const found = VERDICT.exec(text);
    if (found === null) continue;
    verdict = Number(found[1] !== undefined);
    verdictCharacters = text.length;
    badVerdictCount += 1 - verdict;
  }
  return { verdict, verdictCharacters, badVerdictCount };
}

function flagOf(pattern: RegExp, text: string | null): number {
  return text === null ? Number.NaN : Number(pattern.test(text));
}

function numberIn(pattern: RegExp, text: string | null): number {
  const found = text === null ? null : pattern.exec(text);
  return found === null ? Number.NaN : Number(found[1]);
}

/** NaN without values, as are the next two. */
export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function largestOf(values: readonly number[]): number {
  return values.reduce((largest, value) => Math.max(largest, value), values[0] ?? Number.NaN);
}

export function leastOf(values: readonly number[]): number {
  return values.reduce((least, value) => Math.min(least, value), values[0] ?? Number.NaN);
}
