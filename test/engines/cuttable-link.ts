import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";

/** A TCP link to an engine that can be cut as its death would cut it, and come back on the same port. */
export class CuttableLink {
  readonly #host: string;
  readonly #port: number;
  readonly #sockets = new Set<Socket>();
  #server: Server;
  #ownPort = 0;

  constructor(host: string, port: number) {
    this.#host = host;
    this.#port = port;
    this.#server = this.#createServer();
  }

  get port(): number {
    return this.#ownPort;
  }

  async open(): Promise<void> {
    this.#server = this.#createServer();
    this.#server.listen(this.#ownPort, "127.0.0.1");
    await once(this.#server, "listening");
    const address = this.#server.address();
    if (typeof address === "object" && address !== null) this.#ownPort = address.port;
  }

  /** Resets what is open; connections are refused from now on. */
  async cut(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await closed;
  }

  #createServer(): Server {
    return createServer((client) => {
      const engine = connect(this.#port, this.#host);
      for (const [one, other] of [
        [client, engine],
        [engine, client],
      ] as const) {
        this.#sockets.add(one);
        one.on("error", () => other.destroy());
        one.on("close", () => {
          this.#sockets.delete(one);
          other.destroy();
        });
        one.pipe(other);
      }
    });
  }
}
