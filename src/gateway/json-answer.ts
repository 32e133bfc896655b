import type { ServerResponse } from "node:http";
import type { StreamUsage } from "../engine/stream-reader.ts";
import {
  type Answer,
  type ReadingOrder,
  sendError,
  sendWhole,
  type WholeAnswer,
} from "./answer.ts";
import type { ErrorFormat } from "./error-format.ts";
import type { GatewayError } from "./errors.ts";
import type { HeaderList } from "./header-list.ts";

/** Makes one JSON value of the events of a stream. */
export interface Collector {
  /** Takes the JSON of one event. */
  add(event: unknown): void;
  result(usage: StreamUsage | null): object;
}

/** A whole answer, put together from the engine's stream and sent at its end. */
export class JsonAnswer implements Answer {
  readonly #response: ServerResponse;
  readonly #errors: ErrorFormat;
  readonly #create: () => Collector;
  #collector: Collector;

  /** `create` is called for each attempt. */
  constructor(response: ServerResponse, errors: ErrorFormat, create: () => Collector) {
    this.#response = response;
    this.#errors = errors;
    this.#create = create;
    this.#collector = create();
  }

  begin(): ReadingOrder {
    const collector = this.#create();
    this.#collector = collector;
    return { hideUsage: false, onEvent: (event) => collector.add(event) };
  }

  take(): boolean {
    return true;
  }

  complete(headers: () => HeaderList, usage: StreamUsage | null): void {
    const body = JSON.stringify(this.#collector.result(usage));
    sendWhole(this.#response, { status: 200, headers: headers(), body });
  }

  refuse(answer: WholeAnswer): void {
    const body = this.#errors.refusal(answer.status, answer.body);
    sendWhole(this.#response, { ...answer, body });
  }

  fail(error: GatewayError, headers: HeaderList): void {
    sendError(this.#response, error, { headers, format: this.#errors });
  }

  release(): void {}
}
