import { type GatewayError, gatewayError } from "./errors.ts";
import type { JsonObject } from "./inbound.ts";

export type ChatBodyResult =
  | { readonly ok: true; readonly body: JsonObject }
  | { readonly ok: false; readonly error: GatewayError };

export type ChatBytesResult =
  | { readonly ok: true; readonly body: JsonObject; readonly bytes: Buffer }
  | { readonly ok: false; readonly error: GatewayError };

/** Translates a request to a chat completion's, as a value and as JSON. */
export function encodeChatBody(translate: () => ChatBodyResult): ChatBytesResult {
  try {
    const result = translate();
    if (!result.ok) return result;
    return { ...result, bytes: Buffer.from(JSON.stringify(result.body)) };
  } catch (error) {
    // What can be read may still be nested too deep to be written.
    if (!(error instanceof RangeError)) throw error;
    const detail = "It is nested too deep.";
    return { ok: false, error: gatewayError("invalid_request", { detail }) };
  }
}
