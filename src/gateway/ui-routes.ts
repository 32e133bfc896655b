import type { Context, Hono } from "hono";
import type { Config } from "../config/config.ts";
import type { View } from "../core/view.ts";
import type { ModelDrift } from "../predict/drift.ts";
import { type AppEnv, scopeOf } from "./app-guard.ts";
import type { RequestTrace } from "./decision-ring.ts";
import { type GatewayError, gatewayError } from "./errors.ts";
import type { ViewFeed } from "./ui-feed.ts";
import { type UiFile, type UiFiles, readUiFiles } from "./ui-files.ts";
import { isPhase, phaseOf, REQUEST_PHASES, requestRow, type RequestList } from "./ui-request.ts";
import { workflowDetail, workflowRows } from "./ui-workflow.ts";
import { readBody } from "./request-reader.ts";
import { answerWhatIf } from "./what-if.ts";
import { parseWhatIf } from "./what-if-question.ts";

export interface UiOptions {
  readonly feed: ViewFeed;
  /** The remembered requests of a scope, or of all; the newest first. */
  readonly recent: (scope: string | null) => readonly RequestTrace[];
  /** What a client said of a workflow (scoped), 0..1, or null. */
  readonly scoreOf: (workflowId: string) => number | null;
  readonly view: () => View;
  /** How good the predictions were lately, by model. */
  readonly drift: () => readonly ModelDrift[];
  /** The config in force, without its secrets. */
  readonly config: () => Config;
  readonly nowMs: () => number;
}

/** Paths of the page and of what only it needs; all take GET. */
export const UI_PATHS: readonly string[] = [
  "/ui",
  "/ui/*",
  "/v1/chimera/events",
  "/v1/chimera/decisions",
  "/v1/chimera/workflows",
  "/v1/chimera/workflows/*",
  "/v1/chimera/predictions",
  "/v1/chimera/config",
];
export const UI_POST_PATHS: readonly string[] = ["/v1/chimera/what-if"];

const REQUESTS_SHOWN_MAX = 100;
const WORKFLOWS_SHOWN_MAX = 50;
const WHAT_IF_BYTES_MAX = 4 * 1024;

/** Everything comes from the gateway itself: nothing inline, nothing remote, in nobody's frame. */
const PAGE_HEADERS: Readonly<Record<string, string>> = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-opener-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

const EVENT_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/event-stream",
  "cache-control": "no-store",
};

const FRESH = { "cache-control": "no-store" };

type Fail = (c: Context, error: GatewayError) => Response;

/** The page at `/ui`, its events, and what it shows of recent requests and workflows. */
export function addUi(app: Hono<AppEnv>, options: UiOptions, fail: Fail): void {
  addPage(app, fail);
  addEvents(app, options, fail);
  addRequests(app, options, fail);
  addWorkflows(app, options, fail);
  addWhatIf(app, options, fail);
  app.get("/v1/chimera/predictions", (c) => c.json({ models: options.drift() }, 200, FRESH));
  app.get("/v1/chimera/config", (c) => c.json(options.config(), 200, FRESH));
}

function addPage(app: Hono<AppEnv>, fail: Fail): void {
  // Read when somebody first looks: a gateway that nobody watches keeps no page in memory.
  let files: Promise<UiFiles> | null = null;
  const serve = async (c: Context, name: string): Promise<Response> => {
    files ??= readUiFiles();
    const file = (await files).get(name);
    return file === undefined ? fail(c, gatewayError("unknown_url")) : sendFile(c, file);
  };
  app.get("/ui", (c) => serve(c, "index.html"));
  app.get("/ui/", (c) => serve(c, "index.html"));
  app.get("/ui/:name{[^]+}", (c) => serve(c, c.req.param("name")));
}

function addEvents(app: Hono<AppEnv>, { feed }: UiOptions, fail: Fail): void {
  app.get("/v1/chimera/events", (c) => {
    // A HEAD request has no body that could be cancelled.
    if (c.req.method === "HEAD") return c.body(null, 200, EVENT_HEADERS);
    const stream = feed.listen();
    if (stream === null) return fail(c, gatewayError("too_many_listeners"));
    return c.body(stream, 200, EVENT_HEADERS);
  });
}

function addRequests(app: Hono<AppEnv>, options: UiOptions, fail: Fail): void {
  app.get("/v1/chimera/decisions", (c) => {
    const phase = c.req.query("phase") ?? "any";
    if (!isPhase(phase)) {
      const detail = `phase must be one of ${REQUEST_PHASES.join(", ")}.`;
      return fail(c, gatewayError("invalid_request", { param: "phase", detail }));
    }
    const traces = options.recent(scopeOf(c));
    const chosen = traces.filter((trace) => phase === "any" || phase === phaseOf(trace));
    const requests = chosen.slice(0, REQUESTS_SHOWN_MAX).map(requestRow);
    const list: RequestList = { nowMs: options.nowMs(), requests };
    return c.json(list, 200, FRESH);
  });
}

function addWorkflows(app: Hono<AppEnv>, options: UiOptions, fail: Fail): void {
  app.get("/v1/chimera/workflows", (c) => {
    const traces = options.recent(scopeOf(c));
    const { scoreOf } = options;
    const workflows = workflowRows({ traces, scoreOf }, WORKFLOWS_SHOWN_MAX);
    return c.json({ nowMs: options.nowMs(), workflows }, 200, FRESH);
  });
  app.get("/v1/chimera/workflows/:id{[^]+}", (c) => {
    const traces = options.recent(scopeOf(c));
    const { scoreOf } = options;
    const found = workflowDetail({ traces, scoreOf }, c.req.param("id"));
    if (found === null) return fail(c, gatewayError("unknown_workflow"));
    return c.json({ nowMs: options.nowMs(), ...found }, 200, FRESH);
  });
}

function addWhatIf(app: Hono<AppEnv>, options: UiOptions, fail: Fail): void {
  app.post("/v1/chimera/what-if", async (c) => {
    const read = await readBody(c.env.incoming, WHAT_IF_BYTES_MAX);
    if (read.status === "refused") return fail(c, read.error);
    if (read.status === "gone") return c.body(null);
    const parsed = parseWhatIf(read.bytes);
    if (!parsed.ok) return fail(c, parsed.error);
    const { requestId } = parsed.question;
    const recent = options.recent(scopeOf(c));
    const traces =
      requestId === null ? recent : recent.filter((trace) => trace.requestId === requestId);
    if (requestId !== null && traces.length === 0) return fail(c, gatewayError("unknown_decision"));
    return c.json(answerWhatIf(parsed.question, traces, options.view()), 200, FRESH);
  });
}

function sendFile(c: Context, file: UiFile): Response {
  const zips = /(^|[\s,])gzip(?!\s*;\s*q=0(\.0*)?\s*(,|$))/i.test(
    c.req.header("accept-encoding") ?? "",
  );
  const etag = `"${file.tag}${zips ? "-gzip" : ""}"`;
  const headers: Record<string, string> = {
    ...PAGE_HEADERS,
    etag,
    vary: "accept-encoding",
    "cache-control": file.isImmutable ? "public, max-age=31536000, immutable" : "no-cache",
  };
  const known = (c.req.header("if-none-match") ?? "").split(",").map((each) => each.trim());
  if (known.includes(etag) || known.includes(`W/${etag}`)) return c.body(null, 304, headers);
  headers["content-type"] = file.contentType;
  if (zips) headers["content-encoding"] = "gzip";
  return c.body(zips ? file.zipped : file.bytes, 200, headers);
}
