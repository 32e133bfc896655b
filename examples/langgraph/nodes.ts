import { HumanMessage, SystemMessage } from "@langchain/core/messages";
import { ChatOpenAI } from "@langchain/openai";
import { checkAnswer, observeAnswer } from "../workflows/answer-check.ts";
import { givesAnswer, type Stage } from "../workflows/stage.ts";
import type { GraphSettings, StateChange, WorkflowState } from "./workflow-state.ts";

export type Node = (state: WorkflowState) => Promise<StateChange>;

/** The nodes of one kind of workflow. */
export interface Nodes {
  /** One call, which says whose it is and which workflow it belongs to. */
  readonly stage: (stage: Stage) => Node;
  /** Adds what the program does on the task's example. */
  readonly observe: Node;
  /** Checks the answer. */
  readonly check: Node;
  /** Tells the gateway how it went. */
  readonly report: Node;
}

export function nodesOf(kind: string, settings: GraphSettings): Nodes {
  const { baseUrl, apiKey, python } = settings;
  const chat = new ChatOpenAI({
    model: settings.model,
    apiKey,
    maxTokens: settings.outputTokensMax,
    maxRetries: 2,
    configuration: { baseURL: baseUrl },
  });
  return {
    stage: (stage) => async (state) => {
      const headers = {
        "x-chimera-workflow-id": state.workflowId,
        "x-chimera-workflow-kind": kind,
        "x-chimera-role": stage.role,
      };
      const messages = [
        new SystemMessage(stage.system),
        new HumanMessage(state.history.join("\n\n")),
      ];
      const said = await chat.invoke(messages, { options: { headers } });
      const model: unknown = said.response_metadata["model_name"];
      return {
        history: [`${stage.role} said:\n${said.text}`],
        served: [`${stage.role}: ${String(model)}`],
        ...(givesAnswer(stage) && { answer: said.text }),
      };
    },
    observe: async ({ answer, task }) =>
      task.domain === "code" ? { history: [await observeAnswer(answer, task, python)] } : {},
    check: async ({ answer, task }) => ({ ...(await checkAnswer(answer, task, python)) }),
    report: async ({ workflowId, score }) => {
      const response = await fetch(`${baseUrl}/feedback`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${apiKey}` },
        body: JSON.stringify({ workflow_id: workflowId, score }),
      });
      return { feedback: response.ok ? "stored" : `not taken (${response.status})` };
    },
  };
}
