import type { LengthModel } from "../predict/length-model.ts";
import type { LengthExample } from "../predict/length-training.ts";
import type { StageFacts } from "../predict/port.ts";

/** Remaining tokens: the middle, and the interval from 10 to 90 %. */
export interface LengthGuess {
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

export type LengthGuesser = (examples: readonly LengthExample[]) => readonly LengthGuess[];

/** A model, stage by stage. */
export function guesserOf(model: LengthModel): LengthGuesser {
  return (examples) =>
    examples.map((example) => {
      const { median, quantiles } = model.predict(model.features(example.facts), example.model);
      return { median, low: quantiles[0] ?? 0, high: quantiles.at(-1) ?? 0 };
    });
}

/** The same three numbers for all cases. */
export function constantGuesser(train: readonly LengthExample[]): LengthGuesser {
  const guess = guessOf(train.map(({ remaining }) => remaining));
  return (examples) => examples.map(() => guess);
}

/** Quantiles by model, role and stage; of everything where a group is new. */
export function groupGuesser(train: readonly LengthExample[]): LengthGuesser {
  const lengths = new Map<string, number[]>();
  for (const example of train) {
    const known = lengths.get(stageGroupOf(example)) ?? [];
    lengths.set(stageGroupOf(example), known);
    known.push(example.remaining);
  }
  const guesses = new Map(Array.from(lengths, ([group, values]) => [group, guessOf(values)]));
  const everything = guessOf(train.map(({ remaining }) => remaining));
  return (examples) => examples.map((of) => guesses.get(stageGroupOf(of)) ?? everything);
}

/** Model, role and stage. */
export function stageGroupOf(example: LengthExample): string {
  return `${example.model} ${stageNameOf(example)}`;
}

/** Role and place of a stage, from 1. */
export function stageNameOf({ facts }: LengthExample): string {
  return `${facts.role ?? "stage"} ${facts.stage + 1}`;
}

function guessOf(values: readonly number[]): LengthGuess {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  return { median: at(0.5), low: at(0.1), high: at(0.9) };
}

/**
 * Examples whose facts tell two things that nobody can know: how many calls are left (which tells the
 * outcome as well: a run that fails goes on to the last turn), and the median length that other models
 * needed for the same stage of the same problem. What a predictor with these still gets wrong is hard
 * to get right: a bound for comparison, no result.
 * @param everyone whose lengths are told, the examples themselves included.
 */
export function toldExamples(
  examples: readonly LengthExample[],
  everyone: readonly LengthExample[],
): LengthExample[] {
  const calls = new Map<string, number>();
  const lengths = new Map<string, { run: string; tokens: number }[]>();
  for (const example of everyone) {
    const run = example.facts.workflowId;
    calls.set(run, Math.max(calls.get(run) ?? 0, example.facts.stage + 1));
    const key = problemStageOf(example);
    const known = lengths.get(key) ?? [];
    lengths.set(key, known);
    known.push({ run, tokens: example.stageTokens });
  }
  return examples.map((example) => {
    const run = example.facts.workflowId;
    const others = (lengths.get(problemStageOf(example)) ?? [])
      .filter((other) => other.run !== run)
      .map(({ tokens }) => tokens)
      .sort((a, b) => a - b);
    const facts: StageFacts = {
      ...example.facts,
      callsLeft: (calls.get(run) ?? 1) - 1 - example.facts.stage,
      expectedOutputTokens: others[others.length >>> 1] ?? null,
    };
    return { ...example, facts };
  });
}

function problemStageOf({ facts, group }: LengthExample): string {
  return [facts.kind, group, facts.role, facts.stage].join("/");
}
