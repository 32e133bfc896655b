import type { HttpBindings } from "@hono/node-server";
import type { Context, Hono } from "hono";
import type { Caller, Callers } from "./callers.ts";
import { notKnown } from "./entrance.ts";
import type { GatewayError } from "./errors.ts";

export interface AppEnv {
  readonly Bindings: HttpBindings;
  readonly Variables: {
    /** Who sent the request; null: an operator. Set below `/v1/`. */
    readonly caller: Caller | null;
  };
}

interface Access {
  readonly operators: boolean;
  readonly clients: boolean;
}

/** What tells of all clients' requests. */
const OPERATORS: Access = { operators: true, clients: false };
const CLIENTS: Access = { operators: false, clients: true };
/** Each key is told of its own requests, operators of all. */
const BOTH: Access = { operators: true, clients: true };

const ACCESS: ReadonlyMap<string, Access> = new Map([
  ["/metrics", OPERATORS],
  ["/v1/chimera/state", OPERATORS],
  ["/v1/chimera/events", OPERATORS],
  ["/v1/chimera/predictions", OPERATORS],
  ["/v1/chimera/config", OPERATORS],
  ["/v1/chimera/decisions", BOTH],
  ["/v1/chimera/workflows", BOTH],
  ["/v1/chimera/what-if", BOTH],
]);

/**
 * Lets nobody below `/v1/` without a key that is known, where keys are configured. What remains open:
 * whether the gateway is well, and the page at `/ui`, which holds nothing but itself.
 */
export function addGuard(
  app: Hono<AppEnv>,
  callers: Callers,
  fail: (c: Context, error: GatewayError) => Response,
): void {
  app.use("*", async (c, next) => {
    const access = accessTo(c.req.path);
    if (access === null) return next();
    const { incoming } = c.env;
    const caller = access.clients ? callers.find(incoming.headers) : null;
    if (caller !== null || (access.operators && callers.isOperator(incoming))) {
      c.set("caller", caller);
      return next();
    }
    const { error, headers } = notKnown();
    for (const [name, text] of Object.entries(headers)) c.header(name, text);
    return fail(c, error);
  });
}

/** null: open to everyone. */
function accessTo(path: string): Access | null {
  if (/^\/v1\/chimera\/(decisions|workflows)\//.test(path)) return BOTH;
  return ACCESS.get(path) ?? (path.startsWith("/v1/") ? CLIENTS : null);
}

/** Whose requests may be shown: those of one scope; null: all. */
export function scopeOf(c: Context<AppEnv>): string | null {
  return c.get("caller")?.scope ?? null;
}
