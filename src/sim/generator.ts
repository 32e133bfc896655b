import { createHash } from "node:crypto";
import { createRandom, type Random } from "../core/random.ts";
import { countTokens } from "../workflow/token-count.ts";
import { type CourseDraw, drawCourses, drawProblem, type ProblemDraw } from "./generated-course.ts";
import type { Domain } from "./generated-models.ts";
import { answerText, promptText } from "./generated-text.ts";
import type { Run, RunStage, Task } from "./run-file.ts";

export interface GeneratorOptions {
  /** Problems of each domain. */
  readonly problems: number;
  readonly domains: readonly Domain[];
  readonly seed: number;
}

/** A line of a run file, with the keys that readers of the format may also look for. */
export interface GeneratedRun extends Omit<Run, "template"> {
  readonly task_key: string;
  readonly end: "answered" | "max_tokens";
  /** Lengths were drawn, texts were made to fit. */
  readonly tok_src: "est";
  readonly n_stages: number;
  readonly in_tok: number;
  readonly out_tok: number;
  readonly stages: readonly GeneratedStage[];
}

export interface GeneratedStage extends RunStage {
  readonly i: number;
  readonly out_chars: number;
  readonly env_chars: number;
}

export interface GeneratedTask extends Task {
  readonly task_key: string;
  readonly dataset: string;
  readonly subset: string;
}

export interface GeneratedProblem {
  readonly task: GeneratedTask;
  /** One for each model, in the order of the paper. */
  readonly runs: readonly GeneratedRun[];
}

const DATASET = "generated";
/** Share of the keys, in sixteenths, whose problems are for validation. */
const VALID_SIXTEENTHS = 5;

/**
 * Problems and runs in the format of recorded ones, calibrated to the paper's statistics
 * (`generated-models.ts`). Each problem comes from the seed and its own number alone: more problems
 * leave the first ones as they are.
 */
export function* generate(options: GeneratorOptions): Generator<GeneratedProblem> {
  const { problems, domains, seed } = options;
  for (const [place, domain] of domains.entries()) {
    const seeds = createRandom(seed + place);
    for (let index = 0; index < problems; index++) {
      const random = createRandom(Math.floor(seeds.next() * 0x100000000));
      yield generateProblem(domain, index, random);
    }
  }
}

function generateProblem(domain: Domain, index: number, random: Random): GeneratedProblem {
  const problem = drawProblem(domain, random);
  const courses = drawCourses(problem, random);
  const prompt = promptText(problem, random);
  const task: GeneratedTask = {
    task_id: `${DATASET}/${domain}/${index}`,
    task_key: keyOf(prompt),
    dataset: DATASET,
    subset: domain,
    prompt,
  };
  const part = partOf(task.task_key);
  const runs = courses.map((course) => runOf({ problem, task, part, course }, random));
  return { task, runs };
}

/** Identity of a problem: hash of its letters and digits. */
function keyOf(prompt: string): string {
  const letters = prompt.toLowerCase().replaceAll(/[^a-z0-9]+/g, "");
  return createHash("sha256").update(letters).digest("hex").slice(0, 16);
}

/** By key, so that two problems of one text are in one part. */
function partOf(taskKey: string): "train" | "valid" {
  return Number.parseInt(taskKey.slice(0, 1), 16) < VALID_SIXTEENTHS ? "valid" : "train";
}

interface RunDraw {
  readonly problem: ProblemDraw;
  readonly task: GeneratedTask;
  readonly part: string;
  readonly course: CourseDraw;
}

function runOf(draw: RunDraw, random: Random): GeneratedRun {
  const { problem, task, part, course } = draw;
  const { roles } = problem.shape;
  const stages = stagesOf(draw, random);
  return {
    v: 1,
    dataset: task.dataset,
    subset: task.subset,
    task_id: task.task_id,
    task_key: task.task_key,
    workflow: problem.shape.name,
    models: Object.fromEntries(roles.map((role) => [role, course.model])),
    trial: 0,
    reward: course.reward,
    end: course.runaway ? "max_tokens" : "answered",
    tok_src: "est",
    n_stages: stages.length,
    in_tok: stages.reduce((sum, stage) => sum + (stage.in_tok ?? 0), 0),
    out_tok: stages.reduce((sum, stage) => sum + (stage.out_tok ?? 0), 0),
    stages,
    part,
  };
}

function stagesOf({ problem, task, course }: RunDraw, random: Random): GeneratedStage[] {
  const { roles, longStage } = problem.shape;
  let chars = task.prompt.length;
  let tokens = countTokens(task.prompt);
  return course.stageTokens.map((outputTokens, i) => {
    const role = roles[i] ?? null;
    const repeats = course.runaway && i === longStage;
    const out = answerText(role ?? "", outputTokens, repeats, random);
    const isLast = i === course.stageTokens.length - 1;
    const env = isLast ? "" : environmentText(role, course.solved, random);
    const stage: GeneratedStage = {
      i,
      role,
      model: course.model,
      in_chars: chars,
      in_tok: tokens,
      out_chars: out.length,
      out_tok: outputTokens,
      out,
      env_chars: env.length,
      env,
    };
    chars += out.length + env.length;
    tokens += outputTokens + countTokens(env);
    return stage;
  });
}

const VISIBLE_TESTS = 4;
/** Chance that a visible test passes in a run that solves its problem, and in one that does not. */
const PASS_CHANCE = { solved: 0.85, failed: 0.45 } as const;

/** What the tool of a coder answers; other roles have none. */
function environmentText(role: string | null, solved: boolean, random: Random): string {
  if (role !== "coder") return "";
  const chance = solved ? PASS_CHANCE.solved : PASS_CHANCE.failed;
  let passed = 0;
  for (let test = 0; test < VISIBLE_TESTS; test++) if (random.next() < chance) passed++;
  return `Observation: ${passed} of ${VISIBLE_TESTS} visible tests passed.`;
}
