import type { QueuedView } from "../core/queue-view.ts";
import type { View } from "../core/view.ts";
import type { ClusterView } from "./cluster-view.ts";
import { clientWorkflowId } from "../workflow/identity.ts";

const QUEUE_ROWS_PER_ENGINE_MAX = 10;
const QUEUE_ENGINES_MAX = 12;

/** The view with the heads of its queues. */
export function clusterView(scheduler: {
  view(): View;
  queued(rowsPerEngineMax: number, enginesMax: number): readonly QueuedView[];
}): ClusterView {
  const queue = scheduler
    .queued(QUEUE_ROWS_PER_ENGINE_MAX, QUEUE_ENGINES_MAX)
    .map((row) => ({ ...row, workflowId: clientWorkflowId(row.workflowId) }));
  return { ...scheduler.view(), queue };
}
