import type { View } from "../core/view.ts";
import type { Readiness } from "./app.ts";

/** Whether new requests should be sent here: an engine that only ends what it runs does not count. */
export function readinessOf({ engines }: View, isStopping: boolean): Readiness {
  if (isStopping) return { ready: false, reason: "the gateway is shutting down" };
  const live = engines.filter((engine) => engine.state === "live");
  if (live.length === 0) return { ready: false, reason: "no engine is alive" };
  return { ready: true, models: [...new Set(live.map((engine) => engine.model))] };
}
