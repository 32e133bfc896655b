import { Annotation } from "@langchain/langgraph";
import type { Task } from "../workflows/task.ts";

/** Which server is asked, as whom, and what runs programs. */
export interface GraphSettings {
  /** Base of an OpenAI API. */
  readonly baseUrl: string;
  readonly apiKey: string;
  readonly model: string;
  readonly outputTokensMax: number;
  /** As `findPython` gives it; null where no task of code is played. */
  readonly python: string | null;
}

/** What goes from node to node: a node returns the parts that it changes. */
export const WorkflowState = Annotation.Root({
  task: Annotation<Task>,
  workflowId: Annotation<string>,
  /** The task, and what was said and seen since; grows. */
  history: Annotation<string[]>({
    reducer: (before, more) => [...before, ...more],
    default: () => [],
  }),
  /** Who answered each stage, as "role: model"; grows. */
  served: Annotation<string[]>({
    reducer: (before, more) => [...before, ...more],
    default: () => [],
  }),
  answer: Annotation<string>,
  score: Annotation<number>,
  verdict: Annotation<string>,
  feedback: Annotation<string>,
});

export type WorkflowState = typeof WorkflowState.State;
export type StateChange = typeof WorkflowState.Update;
