import type OpenAI from "openai";
import { checkAnswer, observeAnswer, type AnswerCheck } from "./answer-check.ts";
import { givesAnswer, type Stage } from "./stage.ts";
import { questionOf, type Task } from "./task.ts";
import type { Workflow } from "./workflow.ts";

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

export interface WorkflowRun extends AnswerCheck {
  readonly workflowId: string;
  readonly stages: readonly StageAnswer[];
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
      history.push(await observeAnswer(answer, task, settings.python));
    }
    const said = await ask(stage, history, { workflow, workflowId, settings });
    stages.push(said);
    history.push(`${stage.role} said:\n${said.text}`);
    if (givesAnswer(stage)) answer = said.text;
  }
  return { workflowId, stages, ...(await checkAnswer(answer, task, settings.python)) };
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
