import type { IncomingMessage } from "node:http";
import { gatewayError, type GatewayError } from "./errors.ts";

/** gone: the client left before its body was complete. */
export type ReadResult =
  | { readonly status: "read"; readonly bytes: Buffer }
  | { readonly status: "refused"; readonly error: GatewayError }
  | { readonly status: "gone" };

/** The whole body, at most `bodyBytesMax` long. Settles exactly once and never rejects. */
export function readBody(request: IncomingMessage, bodyBytesMax: number): Promise<ReadResult> {
  const early = refuseByHeaders(request, bodyBytesMax);
  if (early !== null) {
    request.resume();
    return Promise.resolve({ status: "refused", error: early });
  }
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const settle = (result: ReadResult): void => {
      request.off("data", onData).off("end", onEnd).off("close", onGone).off("error", onGone);
      // An error that comes later must still find a listener.
      request.on("error", ignore);
      resolve(result);
    };
    const onData = (chunk: Buffer): void => {
      length += chunk.length;
      if (length > bodyBytesMax) {
        request.resume();
        settle({ status: "refused", error: tooLarge(bodyBytesMax) });
        return;
      }
      chunks.push(chunk);
    };
    const onEnd = (): void => {
      const [only] = chunks;
      const whole =
        chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, length);
      settle({ status: "read", bytes: whole });
    };
    const onGone = (): void => settle({ status: "gone" });
    request.on("data", onData).on("end", onEnd).on("close", onGone).on("error", onGone);
  });
}

function refuseByHeaders(request: IncomingMessage, bodyBytesMax: number): GatewayError | null {
  const encoding = request.headers["content-encoding"];
  if (encoding !== undefined && encoding !== "identity") {
    return gatewayError("unsupported_encoding");
  }
  const announced = Number(request.headers["content-length"] ?? 0);
  return announced > bodyBytesMax ? tooLarge(bodyBytesMax) : null;
}

function tooLarge(bodyBytesMax: number): GatewayError {
  return gatewayError("body_too_large", { detail: `The limit is ${bodyBytesMax} bytes.` });
}

function ignore(): void {}
