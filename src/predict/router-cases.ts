import { assert } from "../core/assert.ts";
import type { StageFacts } from "./port.ts";
import type { RouterEncoder, RouterPrompt } from "./router-encoder.ts";

/** The first stage of a workflow as it was before it started, and what came of it on one model. */
export interface RouterExample {
  readonly facts: StageFacts;
  readonly model: string;
  /** 0..1; 1 is solved. */
  readonly success: number;
  /** Examples that know of each other: one problem's, under whatever name. */
  readonly group: string;
}

/** Examples by distinct prompt: what is learned from. */
export interface RouterCases {
  /** By falling number of outcomes. */
  readonly models: readonly string[];
  readonly prompts: readonly RouterPrompt[];
  /** Per model, one share of success per prompt; NaN where it is not known. */
  readonly labels: readonly Float64Array[];
  /** The problem of each prompt, numbered. */
  readonly groups: Uint32Array;
  readonly termCount: number;
  readonly familyCount: number;
}

/** Models that a router knows; rarer ones count as not known. */
const MODELS_MAX = 256;

type Reader = (facts: StageFacts) => RouterPrompt | null;

/** Examples without text are left out; several of one prompt and model are averaged. */
export function gatherCases(
  examples: readonly RouterExample[],
  encoder: RouterEncoder,
  read: Reader,
): RouterCases {
  const models = modelsOf(examples);
  const prompts: RouterPrompt[] = [];
  const groups: number[] = [];
  const groupNumbers = new Map<string, number>();
  const rows = new Map<string, number | null>();
  const outcomes: { readonly row: number; readonly model: number; readonly success: number }[] = [];
  const places = new Map(models.map((model, place) => [model, place]));
  for (const { facts, model, success, group } of examples) {
    assert(success >= 0 && success <= 1, "a success lies in 0..1");
    const place = places.get(model);
    const key = JSON.stringify([facts.kind, facts.text?.system, facts.text?.user]);
    let row = rows.get(key);
    if (row === undefined) {
      const prompt = read(facts);
      row = prompt === null ? null : prompts.push(prompt) - 1;
      rows.set(key, row);
      const number = groupNumbers.get(group) ?? groupNumbers.size;
      groupNumbers.set(group, number);
      if (row !== null) groups.push(number);
    }
    if (row !== null && place !== undefined) outcomes.push({ row, model: place, success });
  }
  assert(prompts.length > 0, "a router learns from at least one example with text");
  return {
    models,
    prompts,
    labels: labelsOf(outcomes, models.length, prompts.length),
    groups: Uint32Array.from(groups),
    termCount: encoder.text?.vocabulary.hashes.length ?? 0,
    familyCount: encoder.families.length,
  };
}

function modelsOf(examples: readonly RouterExample[]): string[] {
  const counts = new Map<string, number>();
  for (const { model } of examples) counts.set(model, (counts.get(model) ?? 0) + 1);
  return [...counts]
    .sort(([nameA, a], [nameB, b]) => b - a || (nameA < nameB ? -1 : 1))
    .slice(0, MODELS_MAX)
    .map(([name]) => name);
}

function labelsOf(
  outcomes: readonly { readonly row: number; readonly model: number; readonly success: number }[],
  modelCount: number,
  rowCount: number,
): Float64Array[] {
  const sums = Array.from({ length: modelCount }, () => new Float64Array(rowCount));
  const counts = Array.from({ length: modelCount }, () => new Uint32Array(rowCount));
  for (const { row, model, success } of outcomes) {
    const sum = sums[model];
    const count = counts[model];
    if (sum === undefined || count === undefined) continue;
    sum[row] = (sum[row] ?? 0) + success;
    count[row] = (count[row] ?? 0) + 1;
  }
  return sums.map((sum, model) => sum.map((value, row) => value / (counts[model]?.[row] ?? 0)));
}
