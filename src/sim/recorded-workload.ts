import type { StageFacts, StageSeen, WorkflowSeen } from "../predict/port.ts";
import { countTokens, vocabularyOf } from "../workflow/token-count.ts";
import type { Run, Task, Template } from "./run-file.ts";
import { RunOpenings } from "./run-openings.ts";
import type { PlayableCourse, PlayableStage, PlayableWorkflow } from "./workload.ts";

/** A problem with what was recorded of it on each of the chosen models. */
export type RecordedWorkflow = Omit<PlayableWorkflow, "id" | "arrivalMs">;

export interface RecordedOptions {
  /** In the order in which ties are broken. */
  readonly models: readonly string[];
  /** Which parts are played; null: all but `train`. */
  readonly parts: readonly string[] | null;
  /** Time of a call to a model that is not one of the chosen, ms per output token. */
  readonly externalMsPerToken: number;
}

export interface RecordedWorkload {
  readonly workflows: readonly RecordedWorkflow[];
  /** Runs of the chosen models that are not played and may teach a predictor. */
  readonly training: readonly WorkflowSeen[];
  /** Runs of chosen models that cannot be played, and why. */
  readonly unusable: { readonly withoutLengths: number; readonly notOnAllModels: number };
}

/** What a chat template puts around one message. */
const MESSAGE_TOKENS = 4;

interface Played {
  readonly run: Run;
  readonly model: string;
  readonly opening: string;
  readonly course: PlayableCourse;
}

/**
 * Joins runs of the chosen models into workflows that can be played on each of them: one for every
 * problem, workflow kind and trial that was recorded on all. Lengths of outputs are as recorded;
 * lengths of prompts are counted from the text a stage saw, since a share of a run's recorded total
 * would tell its length. Stages of other models (a critic) become time and text between stages.
 */
export function recordedWorkload(
  runs: readonly Run[],
  texts: { readonly tasks: readonly Task[]; readonly templates: readonly Template[] },
  options: RecordedOptions,
): RecordedWorkload {
  const openings = new RunOpenings(texts.tasks, texts.templates);
  const groups = new Map<string, Map<string, Played>>();
  const training: WorkflowSeen[] = [];
  let withoutLengths = 0;
  for (const run of runs) {
    const model = modelOf(run, options.models);
    if (model === null) continue;
    const played = play(run, model, openings.of(run), options.externalMsPerToken);
    if (played === null) withoutLengths++;
    else if (isPlayed(run, options.parts)) {
      const key = [run.dataset, run.workflow, run.task_id, run.trial].join("\n");
      const group = groups.get(key) ?? new Map<string, Played>();
      groups.set(key, group.set(model, played));
    } else training.push(seenOf(played));
  }
  const complete = [...groups.values()].filter((group) => group.size === options.models.length);
  return {
    workflows: complete.map((group) => workflowOf(group, options.models)),
    training,
    unusable: { withoutLengths, notOnAllModels: groups.size - complete.length },
  };
}

function isPlayed(run: Run, parts: readonly string[] | null): boolean {
  return parts === null ? run.part !== "train" : parts.includes(run.part);
}

/** The chosen model that the run is about: the one that serves its first stage of a chosen model. */
function modelOf(run: Run, models: readonly string[]): string | null {
  return run.stages.find((stage) => models.includes(stage.model))?.model ?? null;
}

/** One name for what is played back: a problem, the workflow that works on it, and the trial. */
export function playbackTaskOf(run: Run): string {
  return `${run.workflow}/${run.task_id}/${run.trial}`;
}

/** The kind under which runs of one template belong together. */
function kindOf(run: Run): string {
  return run.template === null ? run.workflow : `${run.workflow}/${run.template}`;
}

/** The course of a run on its model; null when a length is missing. */
function play(run: Run, model: string, opening: string, externalMsPerToken: number): Played | null {
  const vocabulary = vocabularyOf(model);
  const tokensOf = (text: string): number =>
    text === "" ? 0 : countTokens(text, vocabulary) + MESSAGE_TOKENS;
  const stages: PlayableStage[] = [];
  let promptTokens =
    opening === "" ? Math.ceil((run.stages[0]?.in_chars ?? 4) / 4) : tokensOf(opening);
  for (const stage of run.stages) {
    if (stage.out_tok === null) return null;
    const last = stages.at(-1);
    if (stage.model !== model) {
      if (last === undefined) continue;
      const env = [last.env, stage.out].filter((text) => text !== "").join("\n");
      const toolMs = last.toolMs + stage.out_tok * externalMsPerToken;
      stages[stages.length - 1] = { ...last, env, toolMs };
    } else {
      const outputTokens = Math.max(1, stage.out_tok);
      const { role, out, env } = stage;
      const lengths = { promptTokens: Math.max(1, promptTokens), outputTokens };
      stages.push({ role, ...lengths, toolMs: 0, predictedRemaining: null, out, env });
    }
    promptTokens += stage.out_tok + MESSAGE_TOKENS + tokensOf(stage.env);
  }
  return { run, model, opening, course: { score: run.reward, stages } };
}

function workflowOf(
  group: ReadonlyMap<string, Played>,
  models: readonly string[],
): RecordedWorkflow {
  const courses: Record<string, PlayableCourse> = {};
  for (const model of models) {
    const played = group.get(model);
    if (played !== undefined) courses[model] = played.course;
  }
  const [first] = group.values();
  if (first === undefined) throw new Error("a group of runs holds one at least");
  const { run, opening } = first;
  return {
    taskId: playbackTaskOf(run),
    kind: kindOf(run),
    confidence: null,
    system: "",
    user: opening,
    courses,
  };
}

/** A run as a predictor sees a workflow that has ended. */
function seenOf({ run, model, opening, course }: Played): WorkflowSeen {
  const kind = kindOf(run);
  const produced: number[] = [];
  const stages = course.stages.map((stage, index): StageSeen => {
    const facts: StageFacts = {
      workflowId: `${run.dataset}/${run.task_id}/${model}`,
      kind,
      role: stage.role,
      stage: index,
      pool: "chimera",
      promptTokens: stage.promptTokens,
      systemTokens: 0,
      userTokens: course.stages[0]?.promptTokens ?? 0,
      outputTokensMax: null,
      expectedOutputTokens: null,
      callsLeft: null,
      producedTokens: [...produced],
      text: index === 0 ? { system: "", user: opening, recent: [] } : null,
    };
    produced.push(stage.outputTokens);
    return { facts, model, outcome: "completed", outputTokens: stage.outputTokens };
  });
  return { kind, stages, score: run.reward };
}
