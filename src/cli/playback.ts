import type { PlaybackLookup } from "../sim/emulator-playback.ts";
import type { PlayableCourse, PlayableWorkflow } from "../sim/workload.ts";

/** Recorded answers of one model: what an emulated engine of it plays back. */
export function playbackOf(
  workflows: readonly Pick<PlayableWorkflow, "taskId" | "courses">[],
  model: string,
): PlaybackLookup {
  const courses = new Map<string, PlayableCourse>();
  for (const workflow of workflows) {
    const course = workflow.courses[model];
    if (course !== undefined) courses.set(workflow.taskId, course);
  }
  return (taskId, stageIndex) => {
    const stage = courses.get(taskId)?.stages[stageIndex];
    if (stage === undefined) return null;
    const { out: text, outputTokens, promptTokens } = stage;
    return { text, outputTokens, promptTokens };
  };
}
