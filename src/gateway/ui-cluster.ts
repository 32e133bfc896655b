import type { QueuedView } from "../core/queue-view.ts";
import type { View } from "../core/view.ts";
import { clientWorkflowId } from "../workflow/identity.ts";

/** What the page is told twice a second: its size does not grow with what waits. */
export interface ClusterView extends View {
  /** Heads of the queues; how many wait in all is with the engines. Workflows as their clients know them. */
  readonly queue: readonly QueuedView[];
}

const QUEUE_ROWS_PER_ENGINE_MAX = 10;
const QUEUE_ENGINES_MAX = 12;

export function clusterView(scheduler: {
  view(): View;
  queued(rowsPerEngineMax: number, enginesMax: number): readonly QueuedView[];
}): ClusterView {
  const queue = scheduler
    .queued(QUEUE_ROWS_PER_ENGINE_MAX, QUEUE_ENGINES_MAX)
    .map((row) => ({ ...row, workflowId: clientWorkflowId(row.workflowId) }));
  return { ...scheduler.view(), queue };
}
