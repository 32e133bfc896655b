import { randomUUID } from "node:crypto";
import { type Context, Hono } from "hono";
import type { Limits } from "../config/config.ts";
import type { View } from "../core/view.ts";
import type { RequestTrace } from "./decision-ring.ts";
import { addGuard, type AppEnv, scopeOf } from "./app-guard.ts";
import { anthropicErrors } from "./anthropic-errors.ts";
import { countInputTokens } from "./anthropic-count.ts";
import { type Door, enter } from "./entrance.ts";
import { type ErrorFormat, idHeadersOf, openAiErrors } from "./error-format.ts";
import { type GatewayError, gatewayError, quoted, retryHeaders, statusOf } from "./errors.ts";
import { type FeedbackSink, takeFeedback } from "./feedback.ts";
import { type ModelCatalogue, type ModelListing, mayAskFor } from "./models.ts";
import { readBody } from "./request-reader.ts";
import { addUi, UI_PATHS, UI_POST_PATHS, type UiOptions } from "./ui-routes.ts";
import type { RequestDetail } from "./ui-request.ts";
import { SURFACES } from "./surfaces.ts";

export type Readiness =
  | { readonly ready: true; readonly models: readonly string[] }
  | { readonly ready: false; readonly reason: string };

export interface AppOptions {
  readonly door: Door;
  readonly models: ModelCatalogue;
  /** Those that are in force. */
  readonly limits: () => Limits;
  readonly feedback: FeedbackSink;
  readonly view: () => View;
  readonly readiness: () => Readiness;
  /** The metrics page and its media type. */
  readonly metrics: () => Promise<{ readonly text: string; readonly contentType: string }>;
  readonly ui: Omit<UiOptions, "view">;
}

export type App = Hono<AppEnv>;

const FEEDBACK_BYTES_MAX = 16 * 1024;

/** Where a whole prompt is counted. */
const COUNT_PATH = "/v1/messages/count_tokens";

/** Paths and the one method that each takes; POST on those that engines answer never comes this far. */
const GET_PATHS = [
  "/v1/models",
  "/v1/models/*",
  "/healthz",
  "/readyz",
  "/metrics",
  "/v1/chimera/state",
  "/v1/chimera/decisions/*",
  ...UI_PATHS,
];
const POST_PATHS = [...SURFACES.keys(), COUNT_PATH, "/v1/feedback", ...UI_POST_PATHS];

/** Every route that does not stream. */
export function createApp(options: AppOptions): App {
  const app: App = new Hono<AppEnv>();
  addGuard(app, options.door.callers, fail);
  addModels(app, options);
  addCount(app, options);
  addFeedback(app, options);
  addOperation(app, options);
  addUi(app, { ...options.ui, view: options.view }, fail);
  for (const path of GET_PATHS) app.all(path, (c) => wrongMethod(c, "GET, HEAD"));
  for (const path of POST_PATHS) app.all(path, (c) => wrongMethod(c, "POST"));
  app.notFound((c) => fail(c, gatewayError("unknown_url")));
  app.onError((_error, c) => fail(c, gatewayError("internal_error")));
  return app;
}

function addModels(app: App, { models }: AppOptions): void {
  const shownTo = (c: Context<AppEnv>): ModelListing[] => {
    const key = c.get("caller")?.key ?? null;
    return models.listings.filter(({ id }) => mayAskFor(key, id));
  };
  app.get("/v1/models", (c) => c.json({ object: "list", data: shownTo(c) }));
  // A model's name may hold slashes, and what is asked for may hold anything.
  app.get("/v1/models/:name{[^]+}", (c) => {
    const name = c.req.param("name");
    const found = shownTo(c).find((model) => model.id === name);
    if (found !== undefined) return c.json(found);
    return fail(c, gatewayError("model_not_found", { detail: `Asked for ${quoted(name)}.` }));
  });
}

function addCount(app: App, { models, limits, door }: AppOptions): void {
  app.post(COUNT_PATH, async (c) => {
    const { incoming, outgoing } = c.env;
    const entrance = enter(door, incoming.headers);
    if (!entrance.ok) {
      for (const [name, text] of Object.entries(entrance.headers)) c.header(name, text);
      return fail(c, entrance.error);
    }
    const { caller, entry } = entrance;
    outgoing.once("close", () => entry.leave());
    const read = await readBody(incoming, limits().bodyBytesMax);
    if (read.status === "refused") return fail(c, read.error);
    if (read.status === "gone") return c.body(null);
    const shown: Pick<ModelCatalogue, "find"> = {
      find: (name) => (mayAskFor(caller.key, name) ? models.find(name) : undefined),
    };
    const counted = countInputTokens(read.bytes, shown, limits());
    for (const [name, text] of Object.entries(entry.headers())) c.header(name, text);
    if (!counted.ok) return fail(c, counted.error);
    c.header("x-chimera-token-count", "estimate");
    for (const [name, id] of Object.entries(idHeadersOf(anthropicErrors, randomUUID()))) {
      c.header(name, id);
    }
    return c.json({ input_tokens: counted.inputTokens });
  });
}

function addFeedback(app: App, { feedback }: AppOptions): void {
  app.post("/v1/feedback", async (c) => {
    const { incoming } = c.env;
    const read = await readBody(incoming, FEEDBACK_BYTES_MAX);
    if (read.status === "refused") return fail(c, read.error);
    if (read.status === "gone") return c.body(null);
    const taken = takeFeedback(read.bytes, c.get("caller")?.scope ?? "", feedback);
    return taken.ok ? c.json(taken.receipt) : fail(c, taken.error);
  });
}

function addOperation(app: App, options: AppOptions): void {
  app.get("/healthz", (c) => c.json({ status: "ok" }));
  app.get("/readyz", (c) => {
    const readiness = options.readiness();
    const { callers } = options.door;
    const mayKnow = !callers.areKnown || callers.isOperator(c.env.incoming);
    return c.json(mayKnow ? readiness : { ready: readiness.ready }, readiness.ready ? 200 : 503);
  });
  app.get("/metrics", async (c) => {
    const { text, contentType } = await options.metrics();
    return c.body(text, 200, { "content-type": contentType });
  });
  app.get("/v1/chimera/state", (c) => c.json(options.view()));
  app.get("/v1/chimera/decisions/:id{[^]+}", (c) => {
    const scope = scopeOf(c);
    const trace = options.feedback.findRequest(c.req.param("id"), scope);
    return trace === undefined ? fail(c, gatewayError("unknown_decision")) : c.json(shown(trace));
  });
}

/** A trace without what is only for the gateway. */
function shown({ requestId, shownWorkflowId, decision, record }: RequestTrace): RequestDetail {
  return {
    requestId,
    workflowId: shownWorkflowId,
    decision: decision === null ? null : { ...decision, workflowId: shownWorkflowId },
    outcome: record?.outcome ?? null,
    attempts: record?.attempts ?? null,
    promptTokens: record?.promptTokens ?? null,
    outputTokens: record?.outputTokens ?? null,
    arrivedMs: record?.arrivedMs ?? null,
    queuedMs: record?.queuedMs ?? null,
    dispatchedMs: record?.dispatchedMs ?? null,
    firstTokenMs: record?.firstTokenMs ?? null,
    endedMs: record?.endedMs ?? null,
  };
}

function wrongMethod(c: Context, allow: string): Response {
  c.header("allow", allow);
  return fail(c, gatewayError("method_not_allowed"));
}

function fail(c: Context, error: GatewayError): Response {
  const format = formatOf(c.req.path);
  return c.json(format.body(error), statusOf(error), {
    ...idHeadersOf(format, randomUUID()),
    ...retryHeaders(error),
  });
}

function formatOf(path: string): ErrorFormat {
  if (path === COUNT_PATH) return anthropicErrors;
  return SURFACES.get(path)?.errors ?? openAiErrors;
}
