import { describe, expect, test } from "vitest";
import { Assembler } from "../../src/engine/assembler.ts";
import { StreamReader } from "../../src/engine/stream-reader.ts";
import { AnthropicMessage } from "../../src/gateway/anthropic-message.ts";
import { isObject, type JsonObject } from "../../src/gateway/inbound.ts";
import { ResponseObject } from "../../src/gateway/responses-object.ts";
import { type Recording, SKIP_REASON, streamRecordings } from "../engine/recording.ts";

if (SKIP_REASON !== null) process.stdout.write(`skipped: ${SKIP_REASON}\n`);

const chats = streamRecordings().filter(({ path }) => path === "/v1/chat/completions");

/** What an answer says, whatever API tells it. */
interface Said {
  readonly text: string;
  readonly thoughts: string;
  readonly calls: readonly (readonly [unknown, unknown])[];
}

interface Told {
  readonly assembled: Said;
  readonly message: Said;
  readonly response: Said;
}

function toldOf(recording: Recording): Told {
  const assembler = new Assembler();
  const message = new AnthropicMessage({ requestId: "r", streams: false, showsThinking: true });
  const response = new ResponseObject({ requestId: "r", streams: false, asked: {} });
  const collectors = [assembler, message, response];
  const reader = new StreamReader({
    kind: recording.kind,
    hideUsage: false,
    choices: 1,
    onEvent: (event) => {
      for (const collector of collectors) collector.add(event);
    },
  });
  reader.push(recording.body);
  reader.finish();
  const [whole, anthropic, openai] = collectors.map((each) => each.result(reader.usage));
  return {
    assembled: saidByChat(whole),
    message: saidByParts(fieldOf(anthropic, "content")),
    response: saidByParts(fieldOf(openai, "output")),
  };
}

function saidByChat(completion: unknown): Said {
  const choice = listOf(fieldOf(completion, "choices")).find(({ index }) => index === 0) ?? {};
  const message = fieldOf(choice, "message");
  const calls = listOf(fieldOf(message, "tool_calls"));
  return {
    text: textOf(fieldOf(message, "content")),
    thoughts: textOf(fieldOf(message, "reasoning_content") ?? fieldOf(message, "reasoning")),
    calls: calls.map((call) => {
      const made = fieldOf(call, "function");
      return [fieldOf(made, "name"), valueOf(fieldOf(made, "arguments"))];
    }),
  };
}

/** Blocks of a message, or items of a response. */
function saidByParts(parts: unknown): Said {
  let text = "";
  let thoughts = "";
  const calls: [unknown, unknown][] = [];
  for (const part of listOf(parts)) {
    const inner = listOf(part["content"])
      .map((each) => textOf(each["text"]))
      .join("");
    const { type, name, input } = part;
    if (type === "tool_use") calls.push([name, input]);
    else if (type === "function_call") calls.push([name, valueOf(part["arguments"])]);
    else if (type === "thinking") thoughts += textOf(part["thinking"]);
    else if (type === "reasoning") thoughts += inner;
    else text += textOf(part["text"]) + inner;
  }
  return { text, thoughts, calls };
}

/** Arguments as a value; those that are no object as the message of the Anthropic API has them. */
function valueOf(given: unknown): unknown {
  const text = textOf(given);
  if (text === "") return {};
  try {
    const value: unknown = JSON.parse(text);
    if (isObject(value)) return value;
  } catch {
    // They are told as they came.
  }
  return { _unparsed: text };
}

function fieldOf(value: unknown, name: string): unknown {
  return isObject(value) ? value[name] : undefined;
}

function listOf(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

describe.skipIf(SKIP_REASON !== null)("a recorded chat", () => {
  test.each(chats.map((recording) => [recording.name, recording] as const))(
    "%s says the same in every API",
    (_name, recording) => {
      const { assembled, message, response } = toldOf(recording);
      expect(message).toEqual(assembled);
      expect(response).toEqual(assembled);
    },
  );

  test("calls tools in at least one of them", () => {
    expect(chats.some((recording) => toldOf(recording).assembled.calls.length > 0)).toBe(true);
  });
});
