import type { StageTrace, WorkflowTrace } from "../store/row.ts";
import type { Run } from "./run-file.ts";

export interface TraceImport {
  readonly runs: readonly Run[];
  /** Workflows that are left out: without a score, or without a completed stage. */
  readonly withoutScore: number;
  readonly withoutStages: number;
}

/** Stages that one imported run holds. */
const STAGES_MAX = 1000;

/**
 * Turns what a gateway has recorded into runs: one for each workflow that has a score, its completed
 * stages in the order in which they ended. Texts are not in the traces, so that such runs teach
 * predictors of lengths and can be simulated, but not played back word for word.
 */
export function importTraces(
  workflows: Iterable<WorkflowTrace>,
  stages: Iterable<StageTrace>,
): TraceImport {
  const byWorkflow = new Map<string, StageTrace[]>();
  for (const stage of stages) {
    if (stage.outcome !== "completed" || stage.model === null) continue;
    const key = `${stage.run}\n${stage.workflowId}`;
    const list = byWorkflow.get(key) ?? [];
    if (list.length < STAGES_MAX) list.push(stage);
    byWorkflow.set(key, list);
  }
  const runs: Run[] = [];
  let withoutScore = 0;
  let withoutStages = 0;
  for (const workflow of workflows) {
    const list = byWorkflow.get(`${workflow.run}\n${workflow.workflowId}`) ?? [];
    if (workflow.score === null) withoutScore++;
    else if (list.length === 0) withoutStages++;
    else runs.push(runOf(workflow, list, workflow.score));
  }
  return { runs, withoutScore, withoutStages };
}

function runOf(workflow: WorkflowTrace, stages: readonly StageTrace[], score: number): Run {
  const models: Record<string, string> = {};
  for (const stage of stages) models[stage.role ?? "agent"] ??= stage.model ?? "";
  return {
    v: 1,
    dataset: "traces",
    subset: "",
    task_id: `run-${workflow.run}/${workflow.workflowId}`,
    workflow: workflow.kind,
    models,
    trial: 0,
    reward: score,
    part: "train",
    template: null,
    stages: stages.map((stage) => ({
      role: stage.role,
      model: stage.model ?? "",
      in_chars: null,
      in_tok: stage.promptTokens,
      out_tok: stage.outputTokens,
      out: "",
      env: "",
    })),
  };
}
