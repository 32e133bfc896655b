import { once } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Config } from "../config/config.ts";
import type { AppOptions } from "./app.ts";
import { createListener, type TlsFiles } from "./listener.ts";
import type { Relay } from "./relay.ts";
import { SURFACES } from "./surfaces.ts";

export interface FrontOptions {
  readonly config: Config;
  readonly tls: TlsFiles | null;
  readonly relay: Relay;
  readonly app: AppOptions;
}

export interface GatewayAddress {
  readonly host: string;
  readonly port: number;
  /** Base of the OpenAI API. */
  readonly url: string;
}

/** Where clients come in: what an engine answers goes to the relay, everything else to the app. */
export class Front {
  readonly #http: Server;
  readonly #scheme: string;
  readonly #listen: Config["listen"];

  constructor({ config, tls, relay, app }: FrontOptions) {
    this.#listen = config.listen;
    this.#scheme = tls === null ? "http" : "https";
    const plain = plainListener(app);
    this.#http = createListener(config, tls);
    this.#http.on("request", (request: IncomingMessage, response: ServerResponse) => {
      const surface = request.method === "POST" ? SURFACES.get(pathOf(request)) : undefined;
      if (surface === undefined) void plain(request, response);
      else void relay.handle(surface, request, response);
    });
  }

  /** Rejects when the address cannot be had. */
  async listen(): Promise<GatewayAddress> {
    this.#http.listen(this.#listen.port, this.#listen.host);
    await once(this.#http, "listening");
    const address = this.#http.address();
    if (address === null || typeof address === "string") throw new Error("not listening on TCP");
    const host = address.family === "IPv6" ? `[${address.address}]` : address.address;
    const url = `${this.#scheme}://${host}:${address.port}/v1`;
    return { host: address.address, port: address.port, url };
  }

  /** Connections that are open stay. */
  configure({ limits }: Config): void {
    this.#http.maxConnections = limits.connectionsMax;
  }

  /** Takes no new connections. */
  close(): void {
    this.#http.close();
  }

  /** Ends every connection. */
  destroy(): void {
    this.#http.closeAllConnections();
  }
}

type Listener = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** The app with its framework is loaded when it is asked for: a gateway that only relays needs neither. */
function plainListener(options: AppOptions): Listener {
  let loaded: Promise<Listener> | null = null;
  const load = async (): Promise<Listener> => {
    const [{ getRequestListener }, { createApp }] = await Promise.all([
      import("@hono/node-server"),
      import("./app.ts"),
    ]);
    return getRequestListener(createApp(options).fetch, { overrideGlobalObjects: false });
  };
  return async (request, response) => {
    loaded ??= load();
    const listener = await loaded;
    await listener(request, response);
  };
}

function pathOf(request: IncomingMessage): string {
  const url = request.url ?? "";
  const query = url.indexOf("?");
  return query < 0 ? url : url.slice(0, query);
}
