import type { Estimate } from "../core/types.ts";
import type { Estimator } from "../predict/port.ts";
import { remainingTokens, type PlayableWorkflow } from "./workload.ts";

/** Of a workload that does not fit in memory it knows the workflows that are under way. */
export interface Truth extends Estimator {
  /** Passes workflows on and knows each of them from then on. */
  follow(workflows: Iterable<PlayableWorkflow>): Iterable<PlayableWorkflow>;
  forget(workflow: PlayableWorkflow): void;
}

/**
 * An estimator that reads the workload: true lengths, or those that the workload predicts, and its
 * confidence where it states one, else the true score. A bound for experiments, never a predictor.
 */
export function createTruth(workflows: readonly PlayableWorkflow[] = []): Truth {
  const byId = new Map(workflows.map((workflow) => [workflow.id, workflow]));
  return {
    *follow(followed) {
      for (const workflow of followed) {
        byId.set(workflow.id, workflow);
        yield workflow;
      }
    },
    forget: ({ id }) => void byId.delete(id),
    estimate: (facts, models) =>
      models.map((model) => truthOf(byId.get(facts.workflowId), facts.stage, model)),
    stageEnded: () => undefined,
    workflowEnded: () => undefined,
  };
}

function truthOf(
  workflow: PlayableWorkflow | undefined,
  stageIndex: number,
  model: string,
): Estimate {
  const course = workflow?.courses[model];
  const stage = course?.stages[stageIndex];
  if (workflow === undefined || course === undefined || stage === undefined) {
    // The workflow has no such stage on this model: it would be over.
    return { model, confidence: 0, remainingMean: 0, remainingMedian: 0, stageTokens: 0, source };
  }
  const remaining = stage.predictedRemaining ?? remainingTokens(course, stageIndex);
  return {
    model,
    confidence: workflow.confidence?.[model] ?? course.score,
    remainingMean: remaining,
    remainingMedian: remaining,
    stageTokens: stage.outputTokens,
    source,
  };
}

const source = "truth";
