import type { Dispatcher } from "undici";
import { type Clock, systemClock } from "./clock.ts";
import {
  type EngineAddress,
  type EngineEndpoint,
  engineAddress,
  engineTraits,
} from "./endpoint.ts";
import {
  type EngineExchange,
  type EngineFailure,
  type EngineHeaders,
  type EngineSink,
  Exchange,
} from "./exchange.ts";
import { guardedLookup } from "./guarded-lookup.ts";
import { Pool } from "./undici.ts";
import { Watchdog } from "./watchdog.ts";

export type { EngineExchange, EngineFailure, EngineHeaders, EngineSink };

export interface EngineRequest {
  /** Below the API base: `/chat/completions`, `/completions`, ... */
  readonly path: string;
  readonly body: Uint8Array;
  /** Names in any case; those that must not travel are left out here. */
  readonly headers: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | null;
}

/** A small answer, read whole. A status of 400 and more is an answer too. */
export type EngineReply<T> =
  | { readonly failure: null; readonly status: number; readonly body: T }
  | { readonly failure: EngineFailure; readonly status: null; readonly body: null };

/** uvicorn and llama.cpp close an idle connection after 5 s; we must be the first to let go. */
const KEEP_ALIVE_MS = 3_000;
const REPLY_BYTES_MAX = 8 * 1024 * 1024;
const REPLY_TIMEOUT_MS = 5_000;

/** Hop-by-hop, ours to set, or harmful: an `Origin` makes Ollama answer 403. */
const NEVER_FORWARD: readonly string[] = [
  "accept-encoding",
  "authorization",
  "connection",
  "content-length",
  "cookie",
  "expect",
  "host",
  "keep-alive",
  "origin",
  "proxy-authorization",
  "proxy-connection",
  "referer",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "x-api-key",
];

/**
 * HTTP towards one engine. Connections are not limited here: the scheduler limits what runs, and a
 * second queue in the socket pool would hide from it.
 */
export class EngineClient {
  readonly endpoint: EngineEndpoint;
  private readonly address: EngineAddress;
  private readonly pool: InstanceType<typeof Pool>;
  private readonly watchdog: Watchdog;
  private readonly dropped: ReadonlySet<string>;
  private readonly ownHeaders: Readonly<Record<string, string>>;

  /** `mayConnect` is asked about every IP address that the endpoint's name leads to. */
  constructor(
    endpoint: EngineEndpoint,
    clock: Clock = systemClock,
    mayConnect: (address: string) => boolean = () => true,
  ) {
    this.endpoint = endpoint;
    this.address = engineAddress(endpoint.url);
    this.watchdog = new Watchdog(clock);
    this.dropped = new Set([...NEVER_FORWARD, ...engineTraits(endpoint.kind).neverForward]);
    this.ownHeaders = ownHeaders(endpoint);
    this.pool = new Pool(this.address.origin, {
      connections: null,
      pipelining: 1,
      keepAliveTimeout: KEEP_ALIVE_MS,
      keepAliveMaxTimeout: KEEP_ALIVE_MS,
      connectTimeout: endpoint.timeouts.connectMs,
      connect: { lookup: guardedLookup(mayConnect) },
      // The watchdog is in charge of these two.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  /** Sends a POST and reports to the sink. Never throws; a closed client fails as `aborted`. */
  open(request: EngineRequest, sink: EngineSink): EngineExchange {
    const headers: Record<string, string> = {};
    for (const name in request.headers) {
      const value = request.headers[name];
      const lower = name.toLowerCase();
      if (value !== undefined && !this.dropped.has(lower)) headers[lower] = value;
    }
    headers["content-type"] = "application/json";
    Object.assign(headers, this.ownHeaders);
    return this.send(
      { method: "POST", path: this.address.apiPath + request.path, headers, body: request.body },
      new Exchange(sink, this.endpoint.timeouts, this.watchdog, request.signal ?? null),
    );
  }

  /** GET below the server's root, or below the API base for a path that begins with `/v1/`; the body as text. */
  getText(path: string, timeoutMs: number = REPLY_TIMEOUT_MS): Promise<EngineReply<string>> {
    return new Promise((resolve) => {
      const limits = { ...this.endpoint.timeouts, headersMs: timeoutMs, totalMs: timeoutMs };
      const reader = new ReplyReader(resolve);
      const exchange = new Exchange(reader, limits, this.watchdog, null);
      reader.exchange = exchange;
      const { apiPath, rootPath } = this.address;
      const full = path.startsWith("/v1/") ? apiPath + path.slice(3) : rootPath + path;
      this.send({ method: "GET", path: full, headers: this.ownHeaders }, exchange);
    });
  }

  /** The same, the body as JSON. A body that is not JSON is a `protocol` failure. */
  async getJson(path: string, timeoutMs: number = REPLY_TIMEOUT_MS): Promise<EngineReply<unknown>> {
    const reply = await this.getText(path, timeoutMs);
    if (reply.failure !== null) return reply;
    try {
      return { ...reply, body: JSON.parse(reply.body) };
    } catch {
      const message = "the engine's answer was not JSON";
      return { failure: { kind: "protocol", message }, status: null, body: null };
    }
  }

  /** Takes nothing new and ends when what is in flight has ended. */
  async close(): Promise<void> {
    if (!this.pool.closed) await this.pool.close();
  }

  /** Aborts what is in flight. */
  async destroy(): Promise<void> {
    if (!this.pool.destroyed) await this.pool.destroy();
  }

  /** One microtask later, because undici reports some failures before `dispatch` returns. */
  private send(options: Dispatcher.DispatchOptions, exchange: Exchange): EngineExchange {
    queueMicrotask(() => {
      if (exchange.mayStart()) this.pool.dispatch(options, exchange);
    });
    return exchange;
  }
}

function ownHeaders(endpoint: EngineEndpoint): Record<string, string> {
  const headers: Record<string, string> = {};
  if (endpoint.apiKey !== null) headers["authorization"] = `Bearer ${endpoint.apiKey}`;
  for (const [name, value] of Object.entries(endpoint.headers)) headers[name.toLowerCase()] = value;
  return headers;
}

/** Collects a small answer. */
class ReplyReader implements EngineSink {
  exchange: EngineExchange | null = null;
  private readonly resolve: (reply: EngineReply<string>) => void;
  private readonly chunks: Buffer[] = [];
  private status = 0;
  private bytes = 0;

  constructor(resolve: (reply: EngineReply<string>) => void) {
    this.resolve = resolve;
  }

  headers(status: number): void {
    this.status = status;
  }

  chunk(bytes: Buffer): void {
    this.bytes += bytes.length;
    if (this.bytes > REPLY_BYTES_MAX) this.exchange?.abort();
    else this.chunks.push(bytes);
  }

  end(): void {
    const body = Buffer.concat(this.chunks).toString("utf8");
    this.resolve({ failure: null, status: this.status, body });
  }

  failed(failure: EngineFailure): void {
    this.resolve({ failure, status: null, body: null });
  }
}
