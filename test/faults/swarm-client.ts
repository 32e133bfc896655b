import { type Agent, type ClientRequest, type IncomingMessage, request } from "node:http";
import { createParser } from "eventsource-parser";
import { pick } from "./fault.ts";
import type { Random } from "../../src/core/random.ts";

/** How a client behaves, apart from what it asks. */
export type Manner =
  | { readonly kind: "patient" }
  /** Leaves after a time, wherever its request is by then. */
  | { readonly kind: "leaves-after-ms"; readonly ms: number }
  | { readonly kind: "leaves-after-bytes"; readonly bytes: number }
  /** Leaves with half of its body sent. */
  | { readonly kind: "leaves-in-body" }
  /** Reads nothing for a time once the answer has begun. */
  | { readonly kind: "reads-late"; readonly ms: number };

export interface SwarmRequest {
  readonly id: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly streams: boolean;
  readonly manner: Manner;
  /** When it is sent, ms after the start of the run. */
  readonly atMs: number;
}

/** What one client saw. */
export type ClientEnd =
  /** The whole answer, with its finish reason. */
  | "answered"
  /** A status of 400 and above with an error object. */
  | "refused"
  /** An error event in an open stream, and no `[DONE]`. */
  | "told-in-stream"
  | "left"
  /** The connection could not be had or broke before anything came: only while the gateway stops. */
  | "unreached"
  /** Anything else is a fault of the gateway. */
  | "broken";

export interface ClientResult {
  readonly end: ClientEnd;
  /** What came, for the report of a `broken` one. */
  readonly seen: string;
}

const MODELS: readonly string[] = ["chimera", "chimera", "chimera", "small", "large"];

/** A request, and the behaviour of the client that makes it. */
export function drawRequest(
  id: string,
  random: Random,
  shares: { readonly leaving: number },
): SwarmRequest {
  const below = (bound: number): number => Math.floor(random.next() * bound);
  const streams = random.next() < 0.6;
  const text = "word ".repeat(random.next() < 0.1 ? 20_000 : 1 + below(40));
  const isLast = random.next() < 0.3;
  const body = {
    model: random.next() < 0.03 ? "nobody" : pick(MODELS, random),
    messages: [{ role: "user", content: text }],
    stream: streams,
    max_tokens: 1 + below(40),
    ...(random.next() < 0.3 ? { stream_options: { include_usage: true } } : {}),
    ...(random.next() < 0.1 ? { n: 2 } : {}),
  };
  const whole = JSON.stringify(body);
  return {
    id,
    headers: {
      "x-request-id": id,
      "x-chimera-workflow-id": `flow-${below(8)}`,
      "x-chimera-class": pick(["interactive", "default", "bulk"], random),
      ...(isLast ? { "x-chimera-workflow-final": "true" } : {}),
    },
    body: random.next() < 0.03 ? whole.slice(0, -2) : whole,
    streams,
    manner: drawManner(random, shares.leaving),
    atMs: below(150),
  };
}

function drawManner(random: Random, leaving: number): Manner {
  const below = (bound: number): number => Math.floor(random.next() * bound);
  if (random.next() >= leaving) {
    return random.next() < 0.1 ? { kind: "reads-late", ms: below(40) } : { kind: "patient" };
  }
  const manners: readonly Manner[] = [
    { kind: "leaves-after-ms", ms: below(60) },
    { kind: "leaves-after-ms", ms: below(4) },
    { kind: "leaves-after-bytes", bytes: below(3_000) },
    { kind: "leaves-in-body" },
  ];
  return pick(manners, random);
}

/** Makes the request and tells how it ended; resolves exactly once. */
export function play(asked: SwarmRequest, url: string, agent: Agent): Promise<ClientResult> {
  return new Promise((resolve) => {
    const { manner, body } = asked;
    const outgoing = request(`${url}/chat/completions`, {
      method: "POST",
      agent,
      headers: { ...asked.headers, "content-length": Buffer.byteLength(body) },
    });
    let hasLeft = false;
    const leave = (): void => {
      hasLeft = true;
      outgoing.destroy();
    };
    const timer = manner.kind === "leaves-after-ms" ? setTimeout(leave, manner.ms) : undefined;
    const settle = (result: ClientResult): void => {
      clearTimeout(timer);
      resolve(hasLeft ? { end: "left", seen: "" } : result);
    };
    outgoing.on("error", (error) => settle({ end: "unreached", seen: String(error) }));
    outgoing.on("response", (response) => read(response, asked, leave, settle));
    if (manner.kind === "leaves-in-body") sendHalf(outgoing, body, leave);
    else outgoing.end(body);
  });
}

function sendHalf(outgoing: ClientRequest, body: string, leave: () => void): void {
  outgoing.write(body.slice(0, body.length / 2), () => setTimeout(leave, 1));
}

function read(
  response: IncomingMessage,
  asked: SwarmRequest,
  leave: () => void,
  settle: (result: ClientResult) => void,
): void {
  const { manner } = asked;
  let seen = "";
  response.setEncoding("utf8");
  response.on("data", (text: string) => {
    seen += text;
    if (manner.kind === "leaves-after-bytes" && seen.length > manner.bytes) leave();
  });
  response.on("error", () => {});
  response.on("close", () => {
    const end = response.complete ? endOf(response, asked, seen) : "broken";
    settle({ end, seen: `${response.statusCode ?? 0} ${seen.slice(-300)}` });
  });
  if (manner.kind === "reads-late") {
    response.pause();
    setTimeout(() => response.resume(), manner.ms);
  }
}

function endOf(response: IncomingMessage, asked: SwarmRequest, seen: string): ClientEnd {
  const status = response.statusCode ?? 0;
  if (status >= 400) return isErrorObject(seen) ? "refused" : "broken";
  if (status !== 200) return "broken";
  if (!asked.streams) return isFinished(seen) ? "answered" : "broken";
  const events: string[] = [];
  const parser = createParser({ onEvent: ({ data }) => void events.push(data) });
  parser.feed(seen);
  const last = events.at(-1) ?? "";
  const dones = events.filter((event) => event === "[DONE]").length;
  if (last === "[DONE]") {
    const isClean = dones === 1 && !events.some(isErrorObject);
    return isClean && seen.endsWith("\n\n") ? "answered" : "broken";
  }
  return dones === 0 && isErrorObject(last) ? "told-in-stream" : "broken";
}

function isErrorObject(text: string): boolean {
  const error = field(parsed(text), "error");
  return typeof field(error, "message") === "string" && !/127\.0\.0\.1/.test(text);
}

function isFinished(text: string): boolean {
  const choices = field(parsed(text), "choices");
  if (!Array.isArray(choices) || choices.length === 0) return false;
  return choices.every((choice) => typeof field(choice, "finish_reason") === "string");
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null ? Reflect.get(value, name) : undefined;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
