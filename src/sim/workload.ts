/** A workload: workflows with their arrival times, playable on any of several models. */

/** One LLM call of a workflow, as it is on one model. Lengths in tokens. */
export interface PlayableStage {
  /** Null where roles are unknown. */
  readonly role: string | null;
  /** Whole input, history included; at least 1. */
  readonly promptTokens: number;
  /** At least 1. */
  readonly outputTokens: number;
  /** Time between its end and the next stage: tools, or calls outside the cluster. */
  readonly toolMs: number;
  /** Predicted output tokens of this and all later stages, where the workload says so; else the true sum counts. */
  readonly predictedRemaining: number | null;
  /** What it answers, and what comes back before the next stage (tools, critics); empty where only lengths are known. */
  readonly out: string;
  readonly env: string;
}

/** The course of a workflow, should one model serve it. */
export interface PlayableCourse {
  /** 0..1. */
  readonly score: number;
  readonly stages: readonly PlayableStage[];
}

export interface PlayableWorkflow {
  /** Unique in the workload. */
  readonly id: string;
  /** The problem it works on; several workflows may work on one. */
  readonly taskId: string;
  readonly kind: string;
  readonly arrivalMs: number;
  /** Known confidence by model, where the workload says so. */
  readonly confidence: Readonly<Record<string, number>> | null;
  /** The first messages; empty texts where only lengths are known. */
  readonly system: string;
  readonly user: string;
  /** By model, in the order of the candidates. */
  readonly courses: Readonly<Record<string, PlayableCourse>>;
}

/** Output tokens of a course from one stage on. */
export function remainingTokens(course: PlayableCourse, stage: number): number {
  let tokens = 0;
  for (let index = stage; index < course.stages.length; index++) {
    tokens += course.stages[index]?.outputTokens ?? 0;
  }
  return tokens;
}

export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** What a client sends for one stage: the first messages and all that has happened since. */
export function messagesOf(
  workflow: PlayableWorkflow,
  course: PlayableCourse,
  stage: number,
): ChatMessage[] {
  const messages: ChatMessage[] = [];
  if (workflow.system !== "") messages.push({ role: "system", content: workflow.system });
  messages.push({ role: "user", content: workflow.user });
  for (const { out, env } of course.stages.slice(0, stage)) {
    messages.push({ role: "assistant", content: out });
    messages.push({ role: "user", content: env === "" ? "Go on." : env });
  }
  return messages;
}
