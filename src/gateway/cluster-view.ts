import type { QueuedView } from "../core/queue-view.ts";
import type { View } from "../core/view.ts";

/** What the page is told twice a second: its size does not grow with what waits. */
export interface ClusterView extends View {
  /** Heads of the queues; how many wait in all is with the engines. Workflows as their clients know them. */
  readonly queue: readonly QueuedView[];
}
