import {
  HISTORY_NAMES,
  largestOf,
  leastOf,
  meanOf,
  readHistory,
  type LengthHistory,
} from "./length-features-history.ts";
import { countText, TEXT_COUNT_NAMES, type TextCounts } from "./length-features-text.ts";
import type { StageFacts } from "./port.ts";

/**
 * How a length predictor is made. "paper": token counts, workflow, role, model and the words of the
 * user's prompt, in a quantile forest on tokens. "default": all that, with the history of the
 * workflow and means by group, in extremely randomised trees on the logarithm.
 */
export type LengthRecipe = "paper" | "default";

/** What numbers are read from. Nothing in it comes from the stage's own output or later. */
interface Source {
  readonly facts: StageFacts;
  readonly history: LengthHistory | null;
  readonly task: TextCounts | null;
}

interface NumberFeature {
  readonly name: string;
  /** NaN where it is not known. */
  readonly read: (source: Source) => number;
}

/** Token counts come from the facts, whose maker counts them from text: a recorded share of a run's total tells its length. */
const COUNTS: readonly NumberFeature[] = [
  { name: "stage", read: ({ facts }) => facts.stage },
  { name: "promptTokens", read: ({ facts }) => facts.promptTokens },
  { name: "systemTokens", read: ({ facts }) => facts.systemTokens },
  { name: "userTokens", read: ({ facts }) => facts.userTokens },
];

const HINTS: readonly NumberFeature[] = [
  { name: "outputTokensMax", read: ({ facts }) => facts.outputTokensMax ?? Number.NaN },
  { name: "expectedOutputTokens", read: ({ facts }) => facts.expectedOutputTokens ?? Number.NaN },
  { name: "callsLeft", read: ({ facts }) => facts.callsLeft ?? Number.NaN },
];

const PRODUCED: readonly NumberFeature[] = [
  { name: "producedSum", read: ({ facts }) => sumOf(facts.producedTokens) },
  { name: "producedLast", read: ({ facts }) => facts.producedTokens.at(-1) ?? Number.NaN },
  { name: "producedMean", read: ({ facts }) => meanOf(facts.producedTokens) },
  { name: "producedMax", read: ({ facts }) => largestOf(facts.producedTokens) },
  { name: "producedMin", read: ({ facts }) => leastOf(facts.producedTokens) },
  { name: "producedAtCap", read: ({ facts }) => countAtCap(facts) },
  { name: "charactersPerToken", read: charactersPerToken },
];

const TASK: readonly NumberFeature[] = TEXT_COUNT_NAMES.map((name) => ({
  name: `task.${name}`,
  read: ({ task }) => task?.[name] ?? Number.NaN,
}));

const HISTORY: readonly NumberFeature[] = HISTORY_NAMES.map((name) => ({
  name: `history.${name}`,
  read: ({ history }) => history?.[name] ?? Number.NaN,
}));

const NUMBERS: Readonly<Record<LengthRecipe, readonly NumberFeature[]>> = {
  paper: COUNTS,
  default: [...COUNTS, ...HINTS, ...PRODUCED, ...TASK, ...HISTORY],
};

/** Names of the numbers that a recipe reads, in their order. */
export function lengthNumberNames(recipe: LengthRecipe): readonly string[] {
  return NUMBERS[recipe].map(({ name }) => name);
}

/**
 * Writes the numbers of a stage into `into`, from its start on; NaN is missing. The time it takes is
 * bounded: of long texts only a beginning is read.
 */
export function readLengthNumbers(
  facts: StageFacts,
  recipe: LengthRecipe,
  into: Float32Array,
): void {
  const isRead = recipe === "default" && facts.text !== null;
  const source: Source = {
    facts,
    history: isRead ? readHistory(facts.text.recent) : null,
    task: isRead ? countText(taskTextOf(facts)) : null,
  };
  for (const [index, { read }] of NUMBERS[recipe].entries()) into[index] = read(source);
}

/** Characters of the task that are read. */
const TASK_CHARACTERS_MAX = 32_768;

/** The user's prompt as far as it is read; empty where no text is kept. */
export function taskTextOf({ text }: StageFacts): string {
  return text?.user.slice(0, TASK_CHARACTERS_MAX) ?? "";
}

/** Share of a cap from which on an output counts as cut: token counts may be estimates. */
const AT_CAP_SHARE = 0.98;

/** Outputs at the stated limit; where none is stated, outputs as long as the longest. */
function countAtCap({ producedTokens, outputTokensMax }: StageFacts): number {
  const cap = outputTokensMax ?? largestOf(producedTokens);
  return producedTokens.filter((tokens) => tokens >= AT_CAP_SHARE * cap).length;
}

/** Of the last output: small for one that repeats itself or is made of marks. */
function charactersPerToken({ facts, history }: Source): number {
  const tokens = facts.producedTokens.at(-1) ?? Number.NaN;
  return (history?.outputCharacters ?? Number.NaN) / Math.max(1, tokens);
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
