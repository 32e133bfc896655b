import type { OutgoingHttpHeaders, ServerResponse } from "node:http";
import { Assembler } from "../engine/assembler.ts";
import type { StreamUsage } from "../engine/stream-reader.ts";
import {
  type Answer,
  type ReadingOrder,
  sendError,
  sendWhole,
  type WholeAnswer,
} from "./answer.ts";
import type { GatewayError } from "./errors.ts";

/** A whole answer, put together from the engine's stream and sent at its end. */
export class JsonAnswer implements Answer {
  readonly #response: ServerResponse;
  #assembler: Assembler = new Assembler();

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  begin(): ReadingOrder {
    const assembler = new Assembler();
    this.#assembler = assembler;
    return { hideUsage: false, onEvent: (event) => assembler.add(event) };
  }

  take(): boolean {
    return true;
  }

  complete(headers: () => OutgoingHttpHeaders, usage: StreamUsage | null): void {
    const body = Buffer.from(JSON.stringify(this.#assembler.result(usage)));
    sendWhole(this.#response, { status: 200, headers: headers(), body });
  }

  refuse(answer: WholeAnswer): void {
    sendWhole(this.#response, answer);
  }

  fail(error: GatewayError, headers: OutgoingHttpHeaders): void {
    sendError(this.#response, error, headers);
  }

  release(): void {}
}
