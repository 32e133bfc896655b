import type { IncomingHttpHeaders } from "node:http";
import type { Dispatch } from "../core/command.ts";
import { mediaTypeOf } from "../engine/answer-reader.ts";
import type { EngineRequest } from "../engine/client.ts";
import type { EngineEndpoint, EngineKind } from "../engine/endpoint.ts";
import { engineRequestBody } from "../engine/request-body.ts";
import type { Plan } from "./surface.ts";

/** Trace context that any engine may see. */
const FORWARDED_HEADERS = ["traceparent", "tracestate"];

/** Our own headers that an engine may read: emulated engines play a recorded stage back by them. */
const OWN_HEADERS_PREFIX = "x-chimera-playback-";

/**
 * Kinds that are sent our own headers. The emulated engine is configured as one of them; the others
 * are foreign programs of which some read session headers in their own way.
 */
const TAKES_OWN_HEADERS: ReadonlySet<EngineKind> = new Set<EngineKind>(["vllm", "openai"]);

/**
 * What one engine is sent of a client's request: few headers by name, never the client's key; the
 * body with the engine's model name, streaming, and the priority in the engine's own terms.
 */
export function engineRequest(
  plan: Plan,
  clientHeaders: IncomingHttpHeaders,
  endpoint: EngineEndpoint,
  dispatch: Dispatch,
): EngineRequest {
  const headers: Record<string, string> = {
    accept: mediaTypeOf(plan.format),
    "x-request-id": dispatch.requestId,
  };
  for (const name of FORWARDED_HEADERS) copy(clientHeaders, name, headers);
  if (TAKES_OWN_HEADERS.has(endpoint.kind)) {
    copy(clientHeaders, "x-chimera-workflow-id", headers);
    for (const name in clientHeaders) {
      if (name.startsWith(OWN_HEADERS_PREFIX)) copy(clientHeaders, name, headers);
    }
  }
  const body = engineRequestBody(plan.bytes, plan.limits, endpoint, {
    format: plan.format,
    priorityKey: dispatch.priority,
    outputTokensMax: null,
    dropped: [],
  });
  return { path: plan.path, body, headers };
}

function copy(from: IncomingHttpHeaders, name: string, to: Record<string, string>): void {
  const value = from[name];
  if (typeof value === "string") to[name] = value;
}
