import type { LengthExample } from "../predict/length-training.ts";
import type { StageFacts } from "../predict/port.ts";
import { countTokens } from "../workflow/token-count.ts";
import type { Run, RunStage, Task, Template } from "./run-file.ts";
import { RunOpenings } from "./run-openings.ts";

export interface RunTexts {
  readonly tasks: readonly Task[];
  readonly templates: readonly Template[];
}

export interface LengthExamples {
  readonly examples: readonly LengthExample[];
  /** Runs that teach nothing: the length of a stage is not recorded. */
  readonly runsWithoutLengths: number;
}

/**
 * One example for each stage of each run whose lengths are recorded.
 * @param parts which parts of the runs are looked at; null: all.
 */
export function lengthExamples(
  runs: readonly Run[],
  texts: RunTexts,
  parts: readonly string[] | null,
): LengthExamples {
  const openings = new RunOpenings(texts.tasks, texts.templates);
  const examples: LengthExample[] = [];
  let runsWithoutLengths = 0;
  for (const run of runs) {
    if (parts !== null && !parts.includes(run.part)) continue;
    const lengths = run.stages.map(({ out_tok }) => out_tok);
    if (lengths.every((tokens) => tokens !== null)) {
      examples.push(...examplesOf(run, lengths, openings.of(run)));
    } else runsWithoutLengths++;
  }
  return { examples, runsWithoutLengths };
}

function examplesOf(run: Run, lengths: readonly number[], opening: string): LengthExample[] {
  const facts = stageFacts(run, opening);
  let remaining = lengths.reduce((sum, tokens) => sum + tokens, 0);
  return run.stages.flatMap(({ model }, index) => {
    const of = facts[index];
    const stageTokens = lengths[index] ?? 0;
    const example = { model, remaining, stageTokens, group: run.task_id };
    remaining -= stageTokens;
    return of === undefined ? [] : [{ facts: of, ...example }];
  });
}

/**
 * What was known before the last stage of each run: for runs that were cut before a stage, whose own
 * numbers of that stage are not looked at.
 */
export function lastStageFacts(runs: readonly Run[], texts: RunTexts): StageFacts[] {
  const openings = new RunOpenings(texts.tasks, texts.templates);
  return runs.flatMap((run) => stageFacts(run, openings.of(run)).slice(-1));
}

/** What a chat template puts around one message. */
const MESSAGE_TOKENS = 4;
/** As in StageFacts. */
const PRODUCED_STAGES_MAX = 32;
/** Newest messages that facts keep here; each is as long as it was recorded. */
const RECENT_MESSAGES_MAX = 64;
const CHARACTERS_PER_TOKEN = 4;

/**
 * The facts before each stage. Prompt tokens are counted from the text that a stage saw, in the
 * vocabulary that the gateway counts in: the recorded ones share out the run's total and tell its
 * length. The name of the task set is left out: it is not known when a prediction is asked for.
 */
export function stageFacts(run: Run, opening: string): StageFacts[] {
  const { dataset, workflow, task_id, trial, models } = run;
  const served = Object.values(models).join("+");
  const userTokens = openingTokens(run, opening);
  let promptTokens = userTokens;
  const produced: number[] = [];
  const earlier: RunStage[] = [];
  return run.stages.map((stage, index): StageFacts => {
    const facts = {
      workflowId: [dataset, workflow, task_id, served, trial].join("/"),
      kind: run.template === null ? workflow : `${workflow}/${run.template}`,
      role: stage.role,
      stage: index,
      pool: "chimera",
      promptTokens,
      systemTokens: 0,
      userTokens,
      outputTokensMax: null,
      expectedOutputTokens: null,
      callsLeft: null,
      producedTokens: produced.slice(-PRODUCED_STAGES_MAX),
      text: { system: "", user: opening, recent: messagesSince(earlier, stage.role) },
    };
    const outputTokens = stage.out_tok ?? countTokens(stage.out);
    promptTokens += outputTokens + MESSAGE_TOKENS;
    if (stage.env !== "") promptTokens += countTokens(stage.env) + MESSAGE_TOKENS;
    produced.push(outputTokens);
    earlier.push(stage);
    return facts;
  });
}

function openingTokens({ stages }: Run, opening: string): number {
  if (opening !== "") return countTokens(opening) + MESSAGE_TOKENS;
  return Math.max(1, Math.ceil((stages[0]?.in_chars ?? 0) / CHARACTERS_PER_TOKEN));
}

/** Earlier outputs as the agent of a role sees them: its own as the assistant's, others under their role. */
function messagesSince(
  earlier: readonly RunStage[],
  role: string | null,
): { readonly role: string; readonly content: string }[] {
  return earlier
    .slice(-RECENT_MESSAGES_MAX)
    .flatMap((stage) => [
      { role: stage.role === role ? "assistant" : (stage.role ?? "assistant"), content: stage.out },
      { role: "user", content: stage.env },
    ])
    .filter(({ content }) => content !== "")
    .slice(-RECENT_MESSAGES_MAX);
}
