import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";

/** One span as OTLP's JSON has it, its attributes as a mapping. */
export interface SeenSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  readonly attributes: Readonly<Record<string, unknown>>;
}

type Value = Readonly<Record<string, unknown>>;
interface Written {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly links?: SeenSpan["links"];
  readonly attributes?: readonly { readonly key: string; readonly value: Value }[];
}

/** A small OTLP/HTTP collector over a real socket. */
export class Collector {
  readonly spans: SeenSpan[] = [];
  /** Names of metrics. */
  readonly metrics: Set<string> = new Set();
  readonly headers: IncomingHttpHeaders[] = [];
  readonly url: string;
  readonly #server: Server;

  private constructor(server: Server, url: string) {
    this.#server = server;
    this.url = url;
  }

  /** `status`: what every export is answered with. */
  static async start(status = 200): Promise<Collector> {
    const server = createServer();
    await once(server.listen(0, "127.0.0.1"), "listening");
    const address = server.address();
    const port = typeof address === "object" && address !== null ? address.port : 0;
    const collector = new Collector(server, `http://127.0.0.1:${port}`);
    server.on("request", (request, response) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        collector.headers.push(request.headers);
        if (status === 200) collector.#take(Buffer.concat(chunks).toString("utf8"));
        response.writeHead(status, { "content-type": "application/json" }).end("{}");
      });
    });
    return collector;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #take(text: string): void {
    const { resourceSpans = [], resourceMetrics = [] } = JSON.parse(text);
    for (const { scopeSpans } of resourceSpans) {
      for (const { spans } of scopeSpans) this.spans.push(...spans.map(seenSpan));
    }
    for (const { scopeMetrics } of resourceMetrics) {
      for (const { metrics } of scopeMetrics) {
        for (const { name } of metrics) this.metrics.add(name);
      }
    }
  }
}

function seenSpan(written: Written): SeenSpan {
  const { name, traceId, spanId, parentSpanId = "", links = [], attributes = [] } = written;
  const values = attributes.map(({ key, value }): [string, unknown] => [
    key,
    Object.values(value)[0],
  ]);
  return { name, traceId, spanId, parentSpanId, links, attributes: Object.fromEntries(values) };
}
