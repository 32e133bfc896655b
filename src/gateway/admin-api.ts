import { timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { hashApiKey } from "../config/api-key.ts";
import type { Config } from "../config/config.ts";
import { withEngine, withoutEngine } from "../config/engine-edit.ts";
import { parseListen } from "../config/listen.ts";
import { showConfig } from "../config/show.ts";
import type { View } from "../core/view.ts";
import type { ConfigInForce } from "./config-in-force.ts";
import type { Engines } from "./engines.ts";
import { readBody } from "./request-reader.ts";

export interface AdminApiOptions {
  readonly inForce: ConfigInForce;
  readonly engines: Engines;
  readonly view: () => View;
}

interface Reply {
  readonly status: number;
  readonly json: unknown;
}

const BODY_BYTES_MAX = 64 * 1024;
const HEADERS_MS_MAX = 10_000;
const CONNECTIONS_MAX = 32;
const ENGINE_PATH = /^\/engines\/([^/]+)(?:\/(drain|resume))?$/;

/** What operators change while the gateway serves, on a loopback address of its own and with a token of its own. */
export class AdminApi {
  readonly #options: AdminApiOptions;
  readonly #listen: string;
  readonly #hash: Buffer;
  readonly #http: Server;

  constructor({ listen, hash }: NonNullable<Config["admin"]["api"]>, options: AdminApiOptions) {
    this.#options = options;
    this.#listen = listen;
    this.#hash = Buffer.from(hash);
    const limits = { headersTimeout: HEADERS_MS_MAX, requestTimeout: HEADERS_MS_MAX };
    this.#http = createServer(limits, (request, response) => void this.#answer(request, response));
    this.#http.maxConnections = CONNECTIONS_MAX;
  }

  /** Answers the base of its URLs. Rejects when the address cannot be had. */
  async listen(): Promise<string> {
    const { host, port } = parseListen(this.#listen) ?? { host: "127.0.0.1", port: 0 };
    this.#http.listen(port, host);
    await once(this.#http, "listening");
    const address = this.#http.address();
    if (address === null || typeof address === "string") throw new Error("not listening on TCP");
    return `http://${address.family === "IPv6" ? "[::1]" : address.address}:${address.port}`;
  }

  destroy(): void {
    this.#http.close();
    this.#http.closeAllConnections();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on("error", () => {});
    const { status, json } = await this.#replyTo(request).catch(() => error(500, "internal_error"));
    response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
    response.end(JSON.stringify(json));
  }

  async #replyTo(request: IncomingMessage): Promise<Reply> {
    if (!this.#isKnown(request.headers.authorization)) return error(401, "invalid_token");
    const read = await readBody(request, BODY_BYTES_MAX);
    if (read.status === "refused") return error(413, "body_too_large");
    if (read.status === "gone") return error(400, "invalid_request");
    const path = (request.url ?? "").split("?")[0] ?? "";
    const { inForce, view } = this.#options;
    switch (`${request.method} ${path}`) {
      case "GET /state":
        return { status: 200, json: view() };
      case "GET /config":
        return { status: 200, json: showConfig(inForce.config) };
      case "POST /reload": {
        const result = await inForce.reload();
        return result.ok ? { status: 200, json: result } : refused(422, result.problems);
      }
      case "POST /engines":
        return this.#add(read.bytes);
    }
    const [, name, action] = ENGINE_PATH.exec(path) ?? [];
    if (name === undefined) return error(404, "unknown_url");
    return this.#change(`${request.method} ${action ?? ""}`, decoded(name));
  }

  #add(bytes: Buffer): Reply {
    let json: unknown;
    try {
      json = JSON.parse(bytes.toString("utf8"));
    } catch {
      return error(400, "invalid_json");
    }
    const { inForce } = this.#options;
    const edit = withEngine(inForce.config, json);
    if (!edit.ok) return refused(422, edit.problems);
    inForce.replace(edit.config);
    return { status: 201, json: { name: edit.name } };
  }

  #change(what: string, name: string): Reply {
    const { inForce, engines } = this.#options;
    if (!inForce.config.engines.some((engine) => engine.name === name)) {
      return error(404, "unknown_engine");
    }
    switch (what) {
      case "POST drain":
        return engines.hold(name) ? { status: 200, json: { name } } : error(409, "engine_leaves");
      case "POST resume":
        return engines.resume(name) ? { status: 200, json: { name } } : error(409, "engine_leaves");
      case "DELETE ": {
        const edit = withoutEngine(inForce.config, name);
        if (!edit.ok) return refused(409, edit.problems);
        inForce.replace(edit.config);
        return { status: 202, json: { name } };
      }
      default:
        return error(405, "method_not_allowed");
    }
  }

  /** In a time that does not depend on what was sent. */
  #isKnown(authorization: string | undefined): boolean {
    const token = /^Bearer (\S+)$/i.exec(authorization ?? "")?.[1] ?? "";
    const hash = Buffer.from(hashApiKey(token));
    return hash.length === this.#hash.length && timingSafeEqual(hash, this.#hash);
  }
}

const MESSAGES: Readonly<Record<string, string>> = {
  invalid_token: "Send the token of admin.api as `Authorization: Bearer ...`.",
  body_too_large: `The body is longer than ${BODY_BYTES_MAX} bytes, or encoded.`,
  invalid_request: "The body did not arrive whole.",
  invalid_json: "The body is not JSON.",
  unknown_url: "There is nothing at this path.",
  unknown_engine: "No engine has this name.",
  engine_leaves: "The engine is on its way out.",
  method_not_allowed: "The path does not take this method.",
  internal_error: "The gateway failed at this.",
  refused: "The config that would result is not good; nothing has changed.",
};

function error(status: number, code: string): Reply {
  return { status, json: { error: { code, message: MESSAGES[code] } } };
}

function refused(status: number, problems: readonly string[]): Reply {
  return { status, json: { error: { code: "refused", message: MESSAGES["refused"], problems } } };
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}
