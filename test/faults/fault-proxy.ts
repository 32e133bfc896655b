import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { type Fault, type FaultKind, type FaultPlan, NO_FAULTS } from "./fault.ts";

const HOST = "127.0.0.1";

/**
 * Stands between the gateway and one engine and spoils what passes, byte by byte: each request on a
 * connection asks the plan anew. `refuse` and `accept` close and open the port itself.
 */
export class FaultProxy {
  plan: FaultPlan = NO_FAULTS;
  /** How often each fault was drawn. */
  readonly drawn: Map<FaultKind, number> = new Map();
  readonly #enginePort: number;
  readonly #wires = new Set<Wire>();
  #server: Server;
  #port = 0;

  private constructor(enginePort: number) {
    this.#enginePort = enginePort;
    this.#server = this.#createServer();
  }

  static async start(enginePort: number): Promise<FaultProxy> {
    const proxy = new FaultProxy(enginePort);
    await proxy.accept();
    return proxy;
  }

  get port(): number {
    return this.#port;
  }

  /** Listens, on the same port as ever. */
  async accept(): Promise<void> {
    if (this.#server.listening) return;
    this.#server = this.#createServer();
    this.#server.listen(this.#port, HOST);
    await once(this.#server, "listening");
    const address = this.#server.address();
    if (typeof address === "object" && address !== null) this.#port = address.port;
  }

  /** Refuses new connections and resets those that are open. */
  async refuse(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const wire of this.#wires) wire.reset();
    await closed;
  }

  /** Every later exchange is left alone, and so is what is left of those that stall. */
  async heal(): Promise<void> {
    this.plan = NO_FAULTS;
    await this.accept();
  }

  #createServer(): Server {
    return createServer((client) => {
      const wire = new Wire(client, connect(this.#enginePort, HOST), (method) => {
        const fault = this.plan(method);
        this.drawn.set(fault.kind, (this.drawn.get(fault.kind) ?? 0) + 1);
        return fault;
      });
      this.#wires.add(wire);
      client.once("close", () => this.#wires.delete(wire));
    });
  }
}

const METHOD = /^(GET|POST) \//;
const NOISE: Buffer = Buffer.from("\u0000\u00ff\r\nHTTP/9 ?? \u0001", "latin1");

/** One connection of the gateway with its own one to the engine. */
class Wire {
  readonly #client: Socket;
  readonly #engine: Socket;
  readonly #plan: FaultPlan;
  #fault: Fault = { kind: "none" };
  /** Bytes of the present answer that the engine has given. */
  #given = 0;
  /** What a slow answer has not passed on yet. */
  #held: Buffer = Buffer.alloc(0);
  #timer: NodeJS.Timeout | null = null;
  #engineEnded = false;

  constructor(client: Socket, engine: Socket, plan: FaultPlan) {
    this.#client = client;
    this.#engine = engine;
    this.#plan = plan;
    client.setNoDelay();
    engine.setNoDelay();
    client.on("data", (chunk) => this.#request(chunk));
    client.on("error", () => {});
    client.on("close", () => this.#close());
    engine.on("data", (chunk) => this.#answer(chunk));
    engine.on("error", () => this.reset());
    engine.on("end", () => {
      this.#engineEnded = true;
      if (this.#timer === null && this.#fault.kind !== "stall") client.end();
    });
  }

  /** A connection that is being ended cannot be reset any more: its handle would never close. */
  reset(): void {
    if (this.#client.writableEnded) this.#client.destroy();
    else this.#client.resetAndDestroy();
  }

  #close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#engine.destroy();
  }

  #request(chunk: Buffer): void {
    const start = METHOD.exec(chunk.toString("latin1", 0, 6));
    if (start !== null) {
      this.#fault = this.#plan(start[1] === "GET" ? "GET" : "POST");
      this.#given = 0;
      if (this.#fault.kind === "status") this.#answerStatus(this.#fault.status, this.#fault.body);
    }
    const { kind } = this.#fault;
    if (kind !== "half-open" && kind !== "status") this.#engine.write(chunk);
  }

  #answerStatus(status: number, body: string): void {
    const length = status === 204 ? "" : `content-length: ${body.length}\r\n`;
    const head = `HTTP/1.1 ${status} Sorry\r\ncontent-type: application/json\r\nconnection: close\r\n`;
    this.#client.end(`${head}${length}\r\n${status === 204 ? "" : body}`);
  }

  #answer(chunk: Buffer): void {
    const from = this.#given;
    this.#given += chunk.length;
    const fault = this.#fault;
    switch (fault.kind) {
      case "none":
        this.#client.write(chunk);
        return;
      case "delay":
        this.#hold(chunk, fault.delayMs, Number.POSITIVE_INFINITY);
        return;
      case "drip":
        this.#hold(chunk, 1, fault.sliceBytes);
        return;
      case "corrupt": {
        const at = fault.atByte - from;
        const byte = chunk[at];
        if (byte !== undefined) chunk[at] = byte ^ fault.xor;
        this.#client.write(chunk);
        return;
      }
      default:
        if ("atByte" in fault) this.#cut(chunk, fault.atByte - from, fault.kind);
    }
  }

  #cut(chunk: Buffer, at: number, kind: "reset" | "truncate" | "stall" | "garbage"): void {
    if (at > 0) this.#client.write(chunk.subarray(0, at));
    if (at >= chunk.length) return;
    if (kind === "reset") this.reset();
    else if (kind === "truncate") this.#client.end();
    else if (kind === "garbage") this.#client.end(NOISE);
  }

  /** Passes on at most `sliceBytes` of what is held each time that `everyMs` have gone by. */
  #hold(chunk: Buffer, everyMs: number, sliceBytes: number): void {
    this.#held = Buffer.concat([this.#held, chunk]);
    this.#timer ??= setInterval(() => {
      this.#client.write(this.#held.subarray(0, sliceBytes));
      this.#held = this.#held.subarray(Math.min(this.#held.length, sliceBytes));
      if (this.#held.length > 0 || this.#timer === null) return;
      clearInterval(this.#timer);
      this.#timer = null;
      if (this.#engineEnded) this.#client.end();
    }, everyMs);
  }
}
