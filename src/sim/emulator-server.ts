import { createServer, type Server, type ServerResponse } from "node:http";
import type { Clock } from "../engine/clock.ts";
import { TextHash } from "../workflow/text-hash.ts";
import { refuse, sendJson } from "./emulator-answer.ts";
import { readBody, type ReadBody } from "./emulator-body.ts";
import { EmulatedEngine } from "./emulator-engine.ts";
import { Faults, parseFaultSetting } from "./emulator-faults.ts";
import { generate, type Exchange, type GenerationContext } from "./emulator-generation.ts";
import { metricsText } from "./emulator-metrics.ts";
import type { EmulatorOptions } from "./emulator-options.ts";
import {
  badRequest,
  bodyTooLarge,
  busy,
  undecodableBody,
  unknownPath,
  wrongMethod,
} from "./emulator-refusal.ts";

/** The vLLM whose manners this engine has. */
const VERSION = "0.32.0";
const BODY_BYTES_MAX = 32 * 1024 * 1024;

const METHODS: ReadonlyMap<string, readonly string[]> = new Map([
  ["/v1/chat/completions", ["POST"]],
  ["/v1/completions", ["POST"]],
  ["/v1/models", ["GET"]],
  ["/health", ["GET"]],
  ["/ping", ["GET"]],
  ["/version", ["GET"]],
  ["/metrics", ["GET"]],
  ["/emulator/faults", ["GET", "POST"]],
]);

/** The HTTP face of one emulated engine. */
export class EmulatorServer {
  readonly http: Server;
  readonly #context: GenerationContext;
  readonly #startedSeconds = Math.floor(Date.now() / 1000);
  #isDraining = false;

  constructor(options: EmulatorOptions, clock: Clock) {
    const idPrefix = new TextHash().add(options.name).digest().toString(16);
    let answers = 0;
    this.#context = {
      options,
      engine: new EmulatedEngine(options, clock),
      faults: new Faults(options.faults ?? {}, options.seed),
      nextId: () => `${idPrefix}${(answers++).toString(16)}`,
    };
    this.http = createServer((request, response) => this.#serve({ request, response }));
  }

  /** Refuses what comes; connections go as soon as their answers are out. */
  drain(): void {
    if (this.#isDraining) return;
    this.#isDraining = true;
    this.http.close();
  }

  /** Cuts every connection; that cancels what is in the engine. */
  destroy(): void {
    this.drain();
    this.http.closeAllConnections();
  }

  #serve({ request, response }: Exchange): void {
    // A client that goes away is seen where its answer closes.
    response.on("error", () => {});
    response.on("finish", () => {
      if (this.#isDraining) setImmediate(() => this.http.closeIdleConnections());
    });
    const method = request.method ?? "";
    const path = (request.url ?? "").split("?")[0] ?? "";
    const methods = METHODS.get(path);
    if (methods === undefined) return refuse(response, unknownPath);
    if (!methods.includes(method)) {
      response.setHeader("allow", methods.join(", "));
      return refuse(response, wrongMethod);
    }
    if (method === "GET") return this.#tell(path, response);
    void readBody(request, BODY_BYTES_MAX).then((body) =>
      this.#take(path, body, { request, response }),
    );
  }

  #tell(path: string, response: ServerResponse): void {
    const { options, engine, faults } = this.#context;
    if (path === "/v1/models") return sendJson(response, 200, this.#models());
    if (path === "/version") return sendJson(response, 200, `{"version":"${VERSION}"}`);
    if (path === "/emulator/faults") {
      return sendJson(response, 200, JSON.stringify(faults.setting));
    }
    const isMetrics = path === "/metrics";
    const text = isMetrics ? metricsText(options, engine) : "";
    const type = "text/plain; version=0.0.4; charset=utf-8";
    response.writeHead(200, isMetrics ? { "content-type": type } : { "content-length": 0 });
    response.end(text);
  }

  #models(): string {
    const { model, maxModelLen } = this.#context.options;
    const entry = { id: model, object: "model", created: this.#startedSeconds, owned_by: "vllm" };
    const limits = { root: model, parent: null, max_model_len: maxModelLen };
    return JSON.stringify({ object: "list", data: [{ ...entry, ...limits }] });
  }

  #take(path: string, body: ReadBody, exchange: Exchange): void {
    const { response } = exchange;
    if (body.type === "broken") return;
    if (body.type === "tooLarge") return refuse(response, bodyTooLarge);
    if (body.type === "undecodable") return refuse(response, undecodableBody);
    if (path === "/emulator/faults") return this.#setFaults(body.text, response);
    if (this.#isDraining) return refuse(response, busy);
    const endpoint = path === "/v1/completions" ? "completion" : "chat";
    generate(this.#context, endpoint, body.text, exchange);
  }

  #setFaults(text: string, response: ServerResponse): void {
    const setting = parseFaultSetting(text);
    if (typeof setting === "string") return refuse(response, badRequest(setting, null));
    this.#context.faults.setting = setting;
    sendJson(response, 200, JSON.stringify(setting));
  }
}
