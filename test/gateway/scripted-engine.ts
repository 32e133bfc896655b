import { once } from "node:events";
import {
  createServer,
  type IncomingHttpHeaders,
  type Server,
  type ServerResponse,
} from "node:http";

/** One request as the engine saw it. */
export interface SeenRequest {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  readonly body: Record<string, unknown>;
  readonly response: ServerResponse;
  /** Resolves when the connection closed before the answer was whole. */
  readonly aborted: Promise<void>;
}

export type Script = (seen: SeenRequest) => void | Promise<void>;

/** An engine that does what the test says, over a real socket. */
export class ScriptedEngine {
  readonly seen: SeenRequest[] = [];
  /** Of every request, those of health checks included. */
  readonly paths: string[] = [];
  script: Script;
  isHealthy = true;
  readonly #server: Server;
  /** 0 until it listened for the first time: any free one. */
  #port = 0;
  readonly #waiting: { readonly count: number; readonly resolve: () => void }[] = [];

  private constructor(script: Script) {
    this.script = script;
    this.#server = createServer((request, response) => {
      this.paths.push(request.url ?? "");
      if (request.method === "GET") {
        const isKnown = ["/v1/models", "/health"].includes(request.url ?? "");
        const good = isKnown ? 200 : 404;
        response.writeHead(this.isHealthy ? good : 500).end();
        return;
      }
      const aborted = new Promise<void>((resolve) => {
        response.once("close", () => {
          if (!response.writableFinished) resolve();
        });
      });
      const chunks: Buffer[] = [];
      request.on("error", () => {});
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        const text = Buffer.concat(chunks).toString("utf8");
        const { url: path = "", headers } = request;
        const seen = { path, headers, text, body: JSON.parse(text), response, aborted };
        this.seen.push(seen);
        void this.script(seen);
        for (const waiting of this.#waiting) {
          if (waiting.count <= this.seen.length) waiting.resolve();
        }
      });
    });
  }

  static async start(script: Script): Promise<ScriptedEngine> {
    const engine = new ScriptedEngine(script);
    await engine.revive();
    const address = engine.#server.address();
    engine.#port = typeof address === "object" && address !== null ? address.port : 0;
    return engine;
  }

  get port(): number {
    return this.#port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}/v1`;
  }

  /** Resolves when so many requests have come in all. */
  async arrived(count: number): Promise<SeenRequest> {
    if (this.seen.length < count) {
      await new Promise<void>((resolve) => this.#waiting.push({ count, resolve }));
    }
    const seen = this.seen[count - 1];
    if (seen === undefined) throw new Error("unreachable");
    return seen;
  }

  /** Listens where it did before it was killed. */
  async revive(): Promise<void> {
    this.#server.listen(this.#port, "127.0.0.1");
    await once(this.#server, "listening");
  }

  /** Breaks every connection and listens no more. */
  async kill(): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, "close");
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }
}

/** A server-sent event. */
export function event(data: unknown): string {
  return `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
}

function piece(fields: object, model = "upstream"): object {
  return { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1, model, ...fields };
}

export function delta(content: string): string {
  return event(piece({ choices: [{ index: 0, delta: { content }, finish_reason: null }] }));
}

export function finish(reason = "stop"): string {
  return event(piece({ choices: [{ index: 0, delta: {}, finish_reason: reason }] }));
}

export function usage(promptTokens: number, completionTokens: number): string {
  return event(
    piece({
      choices: [],
      usage: {
        prompt_tokens: promptTokens,
        completion_tokens: completionTokens,
        total_tokens: promptTokens + completionTokens,
      },
    }),
  );
}

export const DONE = "data: [DONE]\n\n";

export function begin(response: ServerResponse): void {
  response.writeHead(200, { "content-type": "text/event-stream", "x-engine-secret": "inside" });
}

export function nothing(): void {}

/** The usual good answer. */
export function stream(...events: readonly string[]): Script {
  return ({ response }) => {
    begin(response);
    for (const text of events) response.write(text);
    response.end();
  };
}

export const HELLO: readonly string[] = [delta("Hel"), delta("lo"), finish(), usage(7, 2), DONE];

/** An answer that comes in pieces of so many bytes, whatever they cut in two. */
export function drip(text: string, pieceBytes: number): Script {
  const bytes = Buffer.from(text);
  return async ({ response }) => {
    begin(response);
    response.socket?.setNoDelay(true);
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      await new Promise<void>((resolve) => {
        response.write(bytes.subarray(at, at + pieceBytes), () => resolve());
      });
    }
    response.end();
  };
}

export function refuse(status: number, body: string, headers: object = {}): Script {
  return ({ response }) => {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(body);
  };
}
