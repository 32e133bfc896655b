import { collectDefaultMetrics, Registry } from "prom-client";

let shared: Registry | null = null;

/**
 * What this process uses: CPU, memory, garbage collection, lag of the event loop. One for the life of
 * the process, because what it listens to cannot be let go again: with one each, every gateway that
 * was closed would leave its own behind.
 */
export function processMetrics(): Registry {
  if (shared === null) {
    shared = new Registry();
    collectDefaultMetrics({ register: shared, prefix: "chimera_" });
  }
  return shared;
}
