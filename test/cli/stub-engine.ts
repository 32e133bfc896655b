import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";

/** What a server answers by path; other paths are 404. */
export type Answers = Readonly<Record<string, unknown>>;

/** An engine that only tells of itself, on a free port. */
export class StubEngine {
  readonly port: number;
  /** Headers of every request, in order. */
  readonly seen: IncomingHttpHeaders[];
  readonly #server: Server;

  private constructor(server: Server, port: number, seen: IncomingHttpHeaders[]) {
    this.#server = server;
    this.port = port;
    this.seen = seen;
  }

  static async start(answers: Answers): Promise<StubEngine> {
    const seen: IncomingHttpHeaders[] = [];
    const server = createServer((request, response) => {
      seen.push(request.headers);
      const answer = answers[request.url ?? ""];
      response.writeHead(answer === undefined ? 404 : 200, { "content-type": "application/json" });
      response.end(JSON.stringify(answer ?? {}));
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    return new StubEngine(server, port, seen);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/v1`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

/** The list of models of an engine of some kind. */
export function listing(owner: string, ...ids: readonly string[]): Answers {
  return { "/v1/models": { object: "list", data: ids.map((id) => ({ id, owned_by: owner })) } };
}

/** Stub engines of one test; `stop` ends all of them. */
export class StubEngines {
  #started: StubEngine[] = [];

  async start(answers: Answers): Promise<StubEngine> {
    const engine = await StubEngine.start(answers);
    this.#started.push(engine);
    return engine;
  }

  async stop(): Promise<void> {
    const started = this.#started;
    this.#started = [];
    await Promise.all(started.map((engine) => engine.stop()));
  }
}
