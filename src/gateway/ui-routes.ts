import type { Context, Hono } from "hono";
import { type AppEnv, scopeOf } from "./app-guard.ts";
import type { RequestTrace } from "./decision-ring.ts";
import { type GatewayError, gatewayError } from "./errors.ts";
import type { ViewFeed } from "./ui-feed.ts";
import { type UiFile, type UiFiles, readUiFiles } from "./ui-files.ts";
import { isPhase, phaseOf, REQUEST_PHASES, requestRow, type RequestList } from "./ui-request.ts";

export interface UiOptions {
  readonly feed: ViewFeed;
  /** The remembered requests of a scope, or of all; the newest first. */
  readonly recent: (scope: string | null) => readonly RequestTrace[];
  readonly nowMs: () => number;
}

/** Paths of the page and of what only it needs; all take GET. */
export const UI_PATHS: readonly string[] = [
  "/ui",
  "/ui/*",
  "/v1/chimera/events",
  "/v1/chimera/decisions",
];

const REQUESTS_SHOWN_MAX = 100;

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

/** The page at `/ui`, its events, and the list of recent requests. */
export function addUi(
  app: Hono<AppEnv>,
  options: UiOptions,
  fail: (c: Context, error: GatewayError) => Response,
): void {
  // Read when somebody first looks: a gateway that nobody watches keeps no page in memory.
  let files: Promise<UiFiles> | null = null;
  const serve = async (c: Context, name: string): Promise<Response> => {
    files ??= readUiFiles();
    const file = (await files).get(name);
    return file === undefined ? fail(c, gatewayError("unknown_url")) : sendFile(c, file);
  };
  app.get("/ui", (c) => serve(c, "index.html"));
  app.get("/ui/", (c) => serve(c, "index.html"));
  app.get("/ui/:name{.+}", (c) => serve(c, c.req.param("name")));
  app.get("/v1/chimera/events", (c) => {
    // A HEAD request has no body that could be cancelled.
    if (c.req.method === "HEAD") return c.body(null, 200, EVENT_HEADERS);
    const stream = options.feed.listen();
    if (stream === null) return fail(c, gatewayError("too_many_listeners"));
    return c.body(stream, 200, EVENT_HEADERS);
  });
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
    return c.json(list, 200, { "cache-control": "no-store" });
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
