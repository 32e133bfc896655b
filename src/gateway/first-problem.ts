import { type GatewayError, gatewayError } from "./errors.ts";

/** The first thing that is wrong with a request while it is translated; the client is told that one. */
export class FirstProblem {
  #error: GatewayError | null = null;

  get error(): GatewayError | null {
    return this.#error;
  }

  /** `param` is the path of the field, `claim` what holds of it: "must be text". */
  note(param: string, claim: string): void {
    const detail = `${param} ${claim}.`;
    this.#error ??= gatewayError("invalid_request", { detail, param });
  }
}
