import type OpenAI from "openai";
import { isRightAnswer } from "./math-answer.ts";
import { runProgram, type ProgramResult } from "./program-run.ts";
import { questionOf, type CodeTask, type Task } from "./task.ts";
import { givesAnswer, type Stage, type Workflow } from "./workflow.ts";

/** What every stage of a run has in common. */
export interface RunSettings {
  readonly client: OpenAI;
  readonly model: string;
  readonly outputTokensMax: number;
  /** Runs programs; null where no task of code is played. */
  readonly python: string | null;
  /** Given to engines that can repeat an answer. */
  readonly seed: number;
}

/** What one stage said, and who said it. */
export interface StageAnswer {
  readonly role: string;
  readonly text: string;
  /** By the gateway's header, else by the body. */
  readonly model: string;
  readonly outputTokens: number;
}

export interface WorkflowRun {
  readonly workflowId: string;
  readonly stages: readonly StageAnswer[];
  /** Share of what was checked that was right, 0..1. */
  readonly score: number;
  /** What came out, in a few words. */
  readonly verdict: string;
}

/** Plays one workflow to its end and checks its answer. Rejects with the client's error when a call fails. */
export async function runWorkflow(
  workflow: Workflow,
  task: Task,
  workflowId: string,
  settings: RunSettings,
): Promise<WorkflowRun> {
  const stages: StageAnswer[] = [];
  const history = [questionOf(task)];
  let answer = "";
  for (const stage of workflow.stages) {
    if (stage.observes && task.domain === "code") {
      history.push(`Observation: ${await observation(answer, task, settings)}`);
    }
    const said = await ask(stage, history, { workflow, workflowId, settings });
    stages.push(said);
    history.push(`${stage.role} said:\n${said.text}`);
    if (givesAnswer(stage)) answer = said.text;
  }
  return { workflowId, stages, ...(await checked(answer, task, settings)) };
}

interface StagePlace {
  readonly workflow: Workflow;
  readonly workflowId: string;
  readonly settings: RunSettings;
}

/** One message with the whole history: chat templates differ in which turns may follow each other. */
async function ask(
  { role, system }: Stage,
  history: readonly string[],
  { workflow, workflowId, settings }: StagePlace,
): Promise<StageAnswer> {
  const { client, model, outputTokensMax, seed } = settings;
  const headers = {
    "x-chimera-workflow-id": workflowId,
    "x-chimera-workflow-kind": workflow.name,
    "x-chimera-role": role,
  };
  const asked = client.chat.completions.create(
    {
      model,
      seed,
      max_tokens: outputTokensMax,
      messages: [
        { role: "system", content: system },
        { role: "user", content: history.join("\n\n") },
      ],
    },
    { headers },
  );
  const { data, response } = await asked.withResponse();
  return {
    role,
    text: data.choices[0]?.message.content ?? "",
    model: response.headers.get("x-chimera-model") ?? data.model,
    outputTokens: data.usage?.completion_tokens ?? 0,
  };
}

/** The program of an answer: its last fenced block. */
export function programOf(text: string): string | null {
  return [...text.matchAll(/```(?:python3?|py)?[ \t]*\n([\s\S]*?)```/g)].at(-1)?.[1] ?? null;
}

/** What the one who checks is told: how the program does on the example that everyone knows. */
async function observation(answer: string, task: CodeTask, settings: RunSettings): Promise<string> {
  const program = programOf(answer);
  if (program === null) return "there is no program to run.";
  const [result] = await runProgram(pythonOf(settings), program, [task.example]);
  if (result === undefined) return "nothing was run.";
  const printed = result.output === "" ? "" : ` It printed:\n${result.output.slice(0, 500)}`;
  return `on the example the program's end is: ${wordsOf(result)}.${printed}`;
}

async function checked(
  answer: string,
  task: Task,
  settings: RunSettings,
): Promise<{ readonly score: number; readonly verdict: string }> {
  if (task.domain === "math") {
    const isRight = isRightAnswer(answer, task.answer);
    return { score: isRight ? 1 : 0, verdict: isRight ? "right answer" : "wrong answer" };
  }
  const program = programOf(answer);
  if (program === null) return { score: 0, verdict: "no program" };
  const results = await runProgram(pythonOf(settings), program, task.tests);
  const right = results.filter(({ end }) => end === "right").length;
  const wrong = results.find(({ end }) => end !== "right");
  const tests = `${right} of ${task.tests.length} tests`;
  return {
    score: right / task.tests.length,
    verdict: wrong === undefined ? tests : `${tests}, ${wordsOf(wrong)}`,
  };
}

function wordsOf({ end, complaint }: ProgramResult): string {
  return end === "failed" && complaint !== "" ? `failed with ${complaint.slice(0, 80)}` : end;
}

function pythonOf({ python }: RunSettings): string {
  if (python === null) throw new Error("tasks of code need python3");
  return python;
}
