import { isObject, type JsonObject } from "./inbound.ts";

/** A piece of a chat answer, in the order in which its texts came. */
export type ChatPiece =
  | { readonly kind: "reasoning" | "text" | "refusal"; readonly text: string }
  | {
      readonly kind: "call";
      /** Null where the engine does not number its calls. */
      readonly index: number | null;
      readonly id: string | null;
      readonly name: string | null;
      /** A part of the arguments' JSON text. */
      readonly arguments: string;
    };

/** What one event of a chat completion's stream says of its first choice. */
export interface ChatDelta {
  readonly model: string | null;
  /** Seconds since 1970, as the engine counts them. */
  readonly createdSeconds: number | null;
  readonly pieces: readonly ChatPiece[];
  readonly finishReason: string | null;
  /** The stop sequence that was met, from engines that tell it. */
  readonly stopSequence: string | null;
}

/** Null for what is no object. Lenient: what is not understood is left out. */
export function readChatDelta(event: unknown): ChatDelta | null {
  if (!isObject(event)) return null;
  const choices = Array.isArray(event["choices"]) ? event["choices"].filter(isObject) : [];
  const choice = choices.find(({ index = 0 }) => index === 0) ?? {};
  const delta = isObject(choice["delta"]) ? choice["delta"] : {};
  return {
    model: textOf(event["model"]),
    createdSeconds: typeof event["created"] === "number" ? event["created"] : null,
    pieces: [...texts(delta), ...calls(delta)],
    finishReason: textOf(choice["finish_reason"]),
    stopSequence: textOf(choice["stop_reason"]),
  };
}

function texts(delta: JsonObject): ChatPiece[] {
  const pieces: ChatPiece[] = [];
  const reasoning = textOf(delta["reasoning_content"]) ?? textOf(delta["reasoning"]);
  if (reasoning !== null) pieces.push({ kind: "reasoning", text: reasoning });
  const text = textOf(delta["content"]);
  if (text !== null) pieces.push({ kind: "text", text });
  const refusal = textOf(delta["refusal"]);
  if (refusal !== null) pieces.push({ kind: "refusal", text: refusal });
  return pieces;
}

function calls(delta: JsonObject): ChatPiece[] {
  if (!Array.isArray(delta["tool_calls"])) return [];
  return delta["tool_calls"].filter(isObject).map((call) => {
    const made = isObject(call["function"]) ? call["function"] : {};
    const { index } = call;
    return {
      kind: "call",
      index: typeof index === "number" ? index : null,
      id: textOf(call["id"]),
      name: textOf(made["name"]),
      arguments: argumentsOf(made["arguments"]),
    };
  });
}

/** Some engines send the arguments as a value. */
function argumentsOf(value: unknown): string {
  if (typeof value === "string") return value;
  return isObject(value) ? JSON.stringify(value) : "";
}

/** A text that is not empty, else null. */
function textOf(value: unknown): string | null {
  return typeof value === "string" && value !== "" ? value : null;
}
