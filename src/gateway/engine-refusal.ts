import { isObject, parseJson, type JsonObject } from "./inbound.ts";
import { ERRORS, type ErrorBody } from "./errors.ts";

/** Longest text of an engine that is put into an error object, in characters. */
const TEXT_CHARACTERS_MAX = 4000;

/**
 * An engine's refusal as an OpenAI error object. What has that shape already goes on byte by byte;
 * of anything else the engine's words are kept: `{"error": "text"}`, `{"detail": ...}`, `{"message": ...}`,
 * plain text.
 */
export function refusalBody(status: number, bytes: Buffer): Buffer {
  const parsed = parseJson(bytes);
  if (parsed !== null && isErrorBody(parsed.value)) return bytes;
  const body: ErrorBody = {
    error: {
      message: wordsOf(parsed === null ? bytes.toString("utf8") : parsed.value, status),
      type: ERRORS.invalid_request.type,
      param: null,
      code: null,
    },
  };
  return Buffer.from(JSON.stringify(body));
}

function isErrorBody(value: unknown): boolean {
  if (!isObject(value)) return false;
  const error = value["error"];
  return isObject(error) && typeof error["message"] === "string";
}

function wordsOf(value: unknown, status: number): string {
  const words = typeof value === "string" ? value : isObject(value) ? textIn(value) : "";
  return words.trim().slice(0, TEXT_CHARACTERS_MAX) || `The engine answered with status ${status}.`;
}

function textIn(value: JsonObject): string {
  const found = value["error"] ?? value["detail"] ?? value["message"] ?? "";
  return typeof found === "string" ? found : JSON.stringify(found);
}
