import { isRightAnswer } from "./math-answer.ts";
import { runProgram, type ProgramResult } from "./program-run.ts";
import type { CodeTask, Task } from "./task.ts";

export interface AnswerCheck {
  /** Share of what was checked that was right, 0..1. */
  readonly score: number;
  /** What came out, in a few words. */
  readonly verdict: string;
}

/** `python`: as `findPython` gives it; null where no task of code is played. */
export async function checkAnswer(
  answer: string,
  task: Task,
  python: string | null,
): Promise<AnswerCheck> {
  if (task.domain === "math") {
    const isRight = isRightAnswer(answer, task.answer);
    return { score: isRight ? 1 : 0, verdict: isRight ? "right answer" : "wrong answer" };
  }
  const program = programOf(answer);
  if (program === null) return { score: 0, verdict: "no program" };
  const results = await runProgram(given(python), program, task.tests);
  const right = results.filter(({ end }) => end === "right").length;
  const wrong = results.find(({ end }) => end !== "right");
  const tests = `${right} of ${task.tests.length} tests`;
  return {
    score: right / task.tests.length,
    verdict: wrong === undefined ? tests : `${tests}, ${wordsOf(wrong)}`,
  };
}

/** What the one who checks is told: how the program does on the example that everyone knows. */
export async function observeAnswer(
  answer: string,
  task: CodeTask,
  python: string | null,
): Promise<string> {
  const program = programOf(answer);
  if (program === null) return "Observation: there is no program to run.";
  const [result] = await runProgram(given(python), program, [task.example]);
  if (result === undefined) return "Observation: nothing was run.";
  const printed = result.output === "" ? "" : ` It printed:\n${result.output.slice(0, 500)}`;
  return `Observation: on the example the program's end is: ${wordsOf(result)}.${printed}`;
}

/** The program of an answer: its last fenced block. */
function programOf(text: string): string | null {
  return [...text.matchAll(/```(?:python3?|py)?[ \t]*\n([\s\S]*?)```/g)].at(-1)?.[1] ?? null;
}

function wordsOf({ end, complaint }: ProgramResult): string {
  return end === "failed" && complaint !== "" ? `failed with ${complaint.slice(0, 80)}` : end;
}

function given(python: string | null): string {
  if (python === null) throw new Error("tasks of code need python3");
  return python;
}
