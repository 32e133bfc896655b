/**
 * An engine that costs little: it answers at once, in whole or as a stream, what the header
 * `x-chimera-playback-task` says, `CHUNKS/PACE_MS`. Prints its port.
 */
import { createServer, type ServerResponse } from "node:http";

const HEAD = { id: "chatcmpl-1", created: 1, model: "m" };
const USAGE = { prompt_tokens: 20, completion_tokens: 64, total_tokens: 84 };
const WHOLE: string = JSON.stringify({
  ...HEAD,
  object: "chat.completion",
  choices: [
    { index: 0, message: { role: "assistant", content: "Hello there." }, finish_reason: "stop" },
  ],
  usage: USAGE,
});

function event(choices: readonly object[], more: object = {}): Buffer {
  const chunk = { ...HEAD, object: "chat.completion.chunk", choices, ...more };
  return Buffer.from(`data: ${JSON.stringify(chunk)}\n\n`);
}

const DELTA: Buffer = event([{ index: 0, delta: { content: " token" }, finish_reason: null }]);
const TAIL: Buffer = Buffer.concat([
  event([{ index: 0, delta: {}, finish_reason: "stop" }]),
  event([], { usage: USAGE }),
  Buffer.from("data: [DONE]\n\n"),
]);

/** Streams that go at one pace share one timer, so that the engine's own cost stays small. */
const clocks = new Map<number, Set<() => void>>();

function atPace(paceMs: number, tick: () => void): () => void {
  let ticking = clocks.get(paceMs);
  if (ticking === undefined) {
    const created = new Set<() => void>();
    setInterval(() => {
      for (const each of created) each();
    }, paceMs);
    clocks.set(paceMs, created);
    ticking = created;
  }
  ticking.add(tick);
  return () => ticking.delete(tick);
}

function stream(response: ServerResponse, chunks: number, paceMs: number): void {
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
  if (paceMs === 0) {
    for (let left = chunks; left > 0; left--) response.write(DELTA);
    response.end(TAIL);
    return;
  }
  let left = chunks - 1;
  response.write(DELTA);
  const stop = atPace(paceMs, () => {
    if (left-- > 0) response.write(DELTA);
    else {
      stop();
      response.end(TAIL);
    }
  });
  response.on("close", stop);
}

const server = createServer((request, response) => {
  if (request.method === "GET") {
    response.end();
    return;
  }
  request.resume();
  request.on("end", () => {
    const [chunks = 1, paceMs = 0] = String(request.headers["x-chimera-playback-task"] ?? "1/0")
      .split("/")
      .map(Number);
    if (request.headers.accept === "text/event-stream") stream(response, chunks, paceMs);
    else response.writeHead(200, { "content-type": "application/json" }).end(WHOLE);
  });
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  process.stdout.write(`${typeof address === "object" ? address?.port : 0}\n`);
});
