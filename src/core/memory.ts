import { assert } from "./assert.ts";
import { openWorkflow } from "./admission.ts";
import type { WorkflowMemory, WorkflowRestored } from "./event.ts";
import { findEngine, type State, type WorkflowBook } from "./state.ts";

/** The newest workflows, at most so many, the one idle longest first; requests that are open now are not in it. */
export function workflowMemories(state: State, workflowsMax: number): WorkflowMemory[] {
  const idle = state.idle.all();
  const busy = [...state.workflows.values()].filter((workflow) => workflow.openRequests > 0);
  return [...idle, ...busy]
    .slice(-workflowsMax)
    .map((workflow) => memoryOf(workflow, workflow.openRequests > 0 ? state.nowMs : null));
}

/** Engines that are no longer there, and workflows for which there is no room, are left out. */
export function restoreWorkflow(state: State, event: WorkflowRestored): void {
  const { workflowId, lastSeenMs, completedStages, context } = event;
  assert(!state.workflows.has(workflowId), "what is restored has not begun anew");
  assert(lastSeenMs <= state.nowMs, "what is restored is past");
  if (state.workflows.size >= state.options.workflowsMax) return;
  const workflow = openWorkflow(state, workflowId, event.arrivedMs);
  workflow.lastSeenMs = lastSeenMs;
  workflow.stages = event.stages;
  workflow.completedStages = completedStages;
  workflow.producedTokens = event.producedTokens;
  workflow.models.push(...event.models);
  for (const { pool, engine: name, started } of event.homes) {
    const engine = findEngine(state, name);
    if (engine === null) continue;
    workflow.homes.push({ pool, engine, model: engine.spec.model, started });
  }
  const holder = context === null ? null : findEngine(state, context.engine);
  if (holder !== null && context !== null) {
    workflow.context = { engine: holder, tokens: context.tokens };
  }
  state.idle.add(workflow);
}

function memoryOf(workflow: WorkflowBook, seenMs: number | null): WorkflowMemory {
  const { context } = workflow;
  return {
    workflowId: workflow.id,
    arrivedMs: workflow.arrivedMs,
    lastSeenMs: seenMs ?? workflow.lastSeenMs,
    stages: workflow.stages,
    completedStages: workflow.completedStages,
    producedTokens: workflow.producedTokens,
    models: [...workflow.models],
    homes: workflow.homes.map(({ pool, engine, started }) => ({
      pool,
      engine: engine.spec.name,
      started,
    })),
    context: context === null ? null : { engine: context.engine.spec.name, tokens: context.tokens },
  };
}
