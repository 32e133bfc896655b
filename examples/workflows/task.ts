/** What goes into a program, and what has to come out of it. */
export interface ProgramTest {
  readonly input: string;
  readonly output: string;
}

export interface CodeTask {
  readonly domain: "code";
  readonly id: string;
  readonly text: string;
  /** Shown with the task; the rest is hidden. */
  readonly example: ProgramTest;
  readonly tests: readonly ProgramTest[];
}

export interface MathTask {
  readonly domain: "math";
  readonly id: string;
  readonly text: string;
  readonly answer: string;
}

export type Task = CodeTask | MathTask;

/** The task as its agents read it. */
export function questionOf(task: Task): string {
  if (task.domain === "math") return task.text;
  const { input, output } = task.example;
  return `${task.text}\n\nExample input:\n${input}\nExample output:\n${output}`;
}
