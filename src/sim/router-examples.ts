import type { RouterExample } from "../predict/router-cases.ts";
import { stageFacts, type RunTexts } from "./length-examples.ts";
import type { Run, Task } from "./run-file.ts";
import { RunOpenings } from "./run-openings.ts";

/**
 * One example for each run: its first stage as it was before it started, the model that served it, and
 * the reward. Later stages and outputs are not looked at; the name of the task set is no part of it.
 * @param parts which parts of the runs are looked at; null: all.
 */
export function routerExamples(
  runs: readonly Run[],
  texts: RunTexts,
  parts: readonly string[] | null,
): RouterExample[] {
  const openings = new RunOpenings(texts.tasks, texts.templates);
  const problems = problemsOf(texts.tasks);
  return runs.flatMap((run): RouterExample[] => {
    if (parts !== null && !parts.includes(run.part)) return [];
    const [first] = run.stages;
    const [facts] = stageFacts({ ...run, stages: run.stages.slice(0, 1) }, openings.of(run));
    if (first === undefined || facts === undefined) return [];
    const group = problems.get(run.task_id) ?? run.task_id;
    return [{ facts, model: first.model, success: run.reward, group }];
  });
}

/** A problem is its letters and digits: the same one goes by several names. */
function problemsOf(tasks: readonly Task[]): ReadonlyMap<string, string> {
  return new Map(
    tasks.map(({ task_id, prompt }) => [
      task_id,
      prompt.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, "") || task_id,
    ]),
  );
}
