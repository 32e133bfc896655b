import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

import { createRandom } from "../src/core/random.ts";
import { kendallDistance } from "../src/learn/score.ts";
import { ColdStart } from "../src/predict/cold-start.ts";
import type { StageFacts, StageSeen, WorkflowSeen } from "../src/predict/port.ts";

/** A recorded run, as far as it is used here. */
interface Run {
  readonly part: "train" | "valid";
  readonly template?: string;
  readonly reward: number;
  readonly stages: readonly {
    readonly i: number;
    readonly role: string;
    readonly model: string;
    readonly in_chars: number;
    readonly out_tok: number;
  }[];
}

interface Case {
  readonly facts: StageFacts;
  readonly model: string;
  readonly remaining: number;
}

const DATA = new URL("../../shared/data/", import.meta.url);
const SETS = ["mint_actor", "mint_actor_critic", "zeroeval"];
const TRAIN_RUNS = [50, 200, 1000, Infinity];
/** What the estimator is told: by itself, with what moves a length, and with the kind of workflow too. */
const VARIANTS = [
  { name: "role, stage and model", withSignals: false, withKind: false },
  { name: "and last output, prompt length", withSignals: true, withKind: false },
  { name: "and kind (template)", withSignals: true, withKind: true },
] as const;
type Variant = (typeof VARIANTS)[number];
const CHARACTERS_PER_TOKEN = 4;
const SEED = 1;

/**
 * Kendall distance of the cold-start predictor's remaining median on the valid part after it has seen
 * some and all runs of the train part in a seeded order; then what an estimate costs.
 */
export function run(print: (line: string) => void): void {
  for (const name of SETS) {
    const file = new URL(`${name}.jsonl.gz`, DATA);
    if (!existsSync(file)) {
      print(`${name}: skipped, ${file.pathname} is not there`);
      continue;
    }
    const lines = gunzipSync(readFileSync(file)).toString().trim().split("\n");
    const runs = lines.map((line): Run => JSON.parse(line));
    for (const variant of VARIANTS) {
      if (variant.withKind && runs[0]?.template === undefined) continue;
      print(`${name}: ${variant.name}`);
      report(runs, variant, print);
    }
  }
}

function report(runs: readonly Run[], variant: Variant, print: (line: string) => void): void {
  const train = shuffled(runs.filter(({ part }) => part === "train"));
  const valid = runs
    .filter(({ part }) => part === "valid")
    .flatMap((run) => casesOf(workflowOf(run, variant)));
  const estimator = new ColdStart({ confidence: {} });
  let seen = 0;
  for (const count of TRAIN_RUNS) {
    for (const run of train.slice(seen, count)) {
      const workflow = workflowOf(run, variant);
      for (const stage of workflow.stages) estimator.stageEnded(stage);
      estimator.workflowEnded(workflow);
    }
    seen = Math.min(count, train.length);
    const startedMs = performance.now();
    const medians = valid.map(
      ({ facts, model }) => estimator.estimate(facts, [model])[0]?.remainingMedian ?? 0,
    );
    const microseconds = ((performance.now() - startedMs) * 1000) / valid.length;
    const byModel = distances(valid, medians, ({ model }) => model);
    const byStage = distances(
      valid,
      medians,
      ({ facts, model }) => `${model} ${facts.role} ${facts.stage}`,
    );
    print(
      `  ${String(seen).padStart(5)} runs seen: ${byModel.toFixed(3)} inside each model, ` +
        `${byStage.toFixed(3)} inside each model, role and stage; ` +
        `${microseconds.toFixed(1)} us an estimate, ${estimator.size} groups`,
    );
  }
}

/** Mean over groups of the distance inside each. */
function distances(
  cases: readonly Case[],
  predictions: readonly number[],
  groupOf: (of: Case) => string,
): number {
  const groups = new Map<string, { truths: number[]; guesses: number[] }>();
  for (const [index, of] of cases.entries()) {
    const key = groupOf(of);
    const group = groups.get(key) ?? { truths: [], guesses: [] };
    groups.set(key, group);
    group.truths.push(of.remaining);
    group.guesses.push(predictions[index] ?? 0);
  }
  const scores = [...groups.values()]
    .map(({ truths, guesses }) => kendallDistance(truths, guesses))
    .filter((distance) => distance !== null);
  return scores.reduce((sum, distance) => sum + distance, 0) / scores.length;
}

/** Prompt tokens are estimated from the text's length: the recorded ones leak the run's length. */
function workflowOf(run: Run, { withKind, withSignals }: Variant): WorkflowSeen {
  const kind = withKind ? (run.template ?? "unknown") : "unknown";
  const produced: number[] = [];
  const stages = run.stages.map((stage): StageSeen => {
    const promptTokens = withSignals ? Math.round(stage.in_chars / CHARACTERS_PER_TOKEN) : 0;
    const facts: StageFacts = {
      workflowId: "run",
      kind,
      role: stage.role,
      stage: stage.i,
      pool: stage.role,
      promptTokens,
      systemTokens: 0,
      userTokens: promptTokens,
      outputTokensMax: null,
      expectedOutputTokens: null,
      callsLeft: null,
      producedTokens: withSignals ? [...produced] : [],
      text: null,
    };
    produced.push(stage.out_tok);
    return { facts, model: stage.model, outcome: "completed", outputTokens: stage.out_tok };
  });
  return { kind, stages, score: run.reward };
}

function casesOf({ stages }: WorkflowSeen): Case[] {
  let remaining = stages.reduce((sum, { outputTokens }) => sum + outputTokens, 0);
  return stages.map(({ facts, model, outputTokens }) => {
    const of = { facts, model, remaining };
    remaining -= outputTokens;
    return of;
  });
}

function shuffled<T>(items: readonly T[]): T[] {
  const random = createRandom(SEED);
  return items
    .map((item) => ({ item, key: random.next() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
