import type { ServerResponse } from "node:http";
import {
  type Answer,
  type ReadingOrder,
  sendError,
  sendWhole,
  type WholeAnswer,
} from "./answer.ts";
import { openAiErrors } from "./error-format.ts";
import type { GatewayError } from "./errors.ts";
import type { HeaderList } from "./header-list.ts";

/** The JSON object of an engine, passed on as it is. */
export class PassedAnswer implements Answer {
  readonly #response: ServerResponse;
  #body: Buffer = Buffer.alloc(0);

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  begin(): ReadingOrder {
    return { hideUsage: false };
  }

  take(bytes: Buffer): boolean {
    this.#body = bytes;
    return true;
  }

  complete(headers: () => HeaderList): void {
    sendWhole(this.#response, { status: 200, headers: headers(), body: this.#body });
  }

  refuse(answer: WholeAnswer): void {
    sendWhole(this.#response, answer);
  }

  fail(error: GatewayError, headers: HeaderList): void {
    sendError(this.#response, error, { headers, format: openAiErrors });
  }

  release(): void {}
}
