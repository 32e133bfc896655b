import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTcpServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { ManualClock } from "../../test/gateway/manual-clock.ts";
import { EngineClient, type EngineFailure, type EngineHeaders, type EngineSink } from "./client.ts";
import type { EngineEndpoint } from "./endpoint.ts";

const cleanUp: (() => unknown)[] = [];

afterEach(async () => {
  for (const undo of cleanUp.splice(0).reverse()) await undo();
});

const LIMITS = { connectMs: 2_000, headersMs: 10_000, idleMs: 5_000, totalMs: 60_000 };

function endpointOf(port: number, over: Partial<EngineEndpoint> = {}): EngineEndpoint {
  return {
    name: "e",
    url: `http://127.0.0.1:${port}/v1`,
    kind: "vllm",
    upstreamModel: "m",
    apiKey: null,
    headers: {},
    timeouts: LIMITS,
    priority: "none",
    ...over,
  };
}

async function listening(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const sockets = new Set<Socket>();
  server.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
  });
  cleanUp.push(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}

async function engine(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  over: Partial<EngineEndpoint> = {},
): Promise<{ client: EngineClient; clock: ManualClock }> {
  const port = await listening(createServer(answer));
  return clientOf(port, over);
}

function clientOf(
  port: number,
  over: Partial<EngineEndpoint> = {},
): { client: EngineClient; clock: ManualClock } {
  const clock = new ManualClock();
  const client = new EngineClient(endpointOf(port, over), clock);
  cleanUp.push(() => client.destroy());
  return { client, clock };
}

/** Notes what comes and lets a test wait for it. */
class Notes implements EngineSink {
  status: number | null = null;
  head: EngineHeaders = {};
  readonly chunks: string[] = [];
  ends = 0;
  readonly failures: EngineFailure[] = [];
  private waiting: (() => void)[] = [];

  headers(status: number, headers: EngineHeaders): void {
    this.status = status;
    this.head = headers;
    this.wake();
  }

  chunk(bytes: Buffer): void {
    this.chunks.push(bytes.toString());
    this.wake();
  }

  end(): void {
    this.ends++;
    this.wake();
  }

  failed(failure: EngineFailure): void {
    this.failures.push(failure);
    this.wake();
  }

  get isOver(): boolean {
    return this.ends + this.failures.length > 0;
  }

  get text(): string {
    return this.chunks.join("");
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  private wake(): void {
    for (const resolve of this.waiting.splice(0)) resolve();
  }
}

const nothing = (): void => {};

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = nothing;
  const promise = new Promise<void>((done) => (resolve = done));
  return { promise, resolve };
}

const POST = { path: "/chat/completions", body: Buffer.from("{}"), headers: {} };

describe("a request", () => {
  it("reaches the API base with the engine's headers and without the forbidden ones", async () => {
    const seen: { url: string | undefined; headers: IncomingMessage["headers"]; body: string }[] =
      [];
    const { client } = await engine(
      (request, response) => {
        let body = "";
        request.setEncoding("utf8").on("data", (text: string) => (body += text));
        request.on("end", () => {
          seen.push({ url: request.url, headers: request.headers, body });
          response.writeHead(201, { "X-Answer": "yes" }).end("ok");
        });
      },
      { kind: "llama.cpp", apiKey: "secret", headers: { "X-Own": "1" } },
    );
    const notes = new Notes();
    const headers = {
      Origin: "http://x",
      Authorization: "client's",
      "X-Conversation-Id": "c",
      "X-Request-Id": "r",
      "Content-Type": "text/plain",
    };
    client.open({ path: "/chat/completions", body: Buffer.from('{"a":1}'), headers }, notes);
    await notes.until(() => notes.isOver);
    expect(notes).toMatchObject({ status: 201, ends: 1, failures: [] });
    expect(notes.text).toBe("ok");
    expect(notes.head["x-answer"]).toBe("yes");
    expect(seen[0]).toMatchObject({ url: "/v1/chat/completions", body: '{"a":1}' });
    expect(seen[0]?.headers).toMatchObject({
      authorization: "Bearer secret",
      "x-own": "1",
      "x-request-id": "r",
      "content-type": "application/json",
      "content-length": "7",
    });
    expect(Object.keys(seen[0]?.headers ?? {})).not.toContain("origin");
    expect(Object.keys(seen[0]?.headers ?? {})).not.toContain("x-conversation-id");
  });

  it("an error status is an answer like any other", async () => {
    const { client } = await engine((_, response) => response.writeHead(503).end("full"));
    const notes = new Notes();
    client.open(POST, notes);
    await notes.until(() => notes.isOver);
    expect(notes).toMatchObject({ status: 503, ends: 1, failures: [] });
    expect(notes.text).toBe("full");
  });

  it("more of them than one connection each are never queued in the pool", async () => {
    const held: ServerResponse[] = [];
    const all = 40;
    const notes = Array.from({ length: all }, () => new Notes());
    const { client } = await engine((_, response) => {
      held.push(response);
      if (held.length === all) for (const one of held) one.end("ok");
    });
    for (const note of notes) client.open(POST, note);
    await Promise.all(notes.map((note) => note.until(() => note.isOver)));
    expect(notes.every(({ ends }) => ends === 1)).toBe(true);
  });

  it("nothing is told before open has returned", async () => {
    const { client } = await engine((_, response) => response.end());
    await client.destroy();
    const notes = new Notes();
    client.open(POST, notes);
    expect(notes.isOver).toBe(false);
    await notes.until(() => notes.isOver);
    expect(notes.failures[0]?.kind).toBe("aborted");
  });
});

describe("failures", () => {
  it("a refused connection is `connect`, without the address", async () => {
    const server = createTcpServer();
    const port = await listening(server);
    await new Promise((resolve) => server.close(resolve));
    const { client } = clientOf(port);
    const notes = new Notes();
    client.open(POST, notes);
    await notes.until(() => notes.isOver);
    expect(notes.failures).toHaveLength(1);
    expect(notes.failures[0]).toMatchObject({ kind: "connect" });
    expect(notes.failures[0]?.message).toContain("ECONNREFUSED");
    expect(notes.failures[0]?.message).not.toContain("127.0.0.1");
  });

  it.each<[string, string]>([
    ["before the headers", ""],
    ["inside the headers", "HTTP/1.1 200 OK\r\nContent-"],
    [
      "inside a chunked body",
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ],
    ["inside a counted body", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello"],
  ])("a connection closed %s is `reset`", async (_, bytes) => {
    const port = await listening(
      createTcpServer((socket) => {
        socket.once("data", () => socket.end(bytes));
      }),
    );
    const { client } = clientOf(port);
    const notes = new Notes();
    client.open(POST, notes);
    await notes.until(() => notes.isOver);
    expect([notes.ends, notes.failures.map(({ kind }) => kind)]).toEqual([0, ["reset"]]);
  });

  it("a connection that is still being made when the time is over is `connect`", async () => {
    const { client, clock } = clientOf(9);
    const notes = new Notes();
    client.open(POST, notes);
    clock.advance(LIMITS.totalMs + 300);
    expect(notes.failures.map(({ kind }) => kind)).toEqual(["connect"]);
    await new Promise((resolve) => setImmediate(resolve));
    expect(notes.failures).toHaveLength(1);
  });

  it("what is not HTTP is `protocol`", async () => {
    const port = await listening(
      createTcpServer((socket) => {
        socket.once("data", () => socket.write("SSH-2.0-x\r\n\r\n"));
      }),
    );
    const { client } = clientOf(port);
    const notes = new Notes();
    client.open(POST, notes);
    await notes.until(() => notes.isOver);
    expect(notes.failures.map(({ kind }) => kind)).toEqual(["protocol"]);
  });

  it("a client destroyed in mid-stream fails what is open, once", async () => {
    const { client } = await engine((_, response) => response.write("a"));
    const notes = new Notes();
    const exchange = client.open(POST, notes);
    await notes.until(() => notes.chunks.length > 0);
    await client.destroy();
    await client.destroy();
    exchange.abort();
    await notes.until(() => notes.isOver);
    expect(notes.failures.map(({ kind }) => kind)).toEqual(["aborted"]);
  });
});

describe("abort", () => {
  it.each<[string, boolean]>([
    ["before the headers", false],
    ["in mid-stream", true],
  ])("%s closes the engine's socket", async (_, streams) => {
    const left = deferred();
    const arrived = deferred();
    const { client } = await engine((_, response) => {
      response.on("close", () => left.resolve());
      if (streams) response.write("data");
      arrived.resolve();
    });
    const notes = new Notes();
    const abort = new AbortController();
    client.open({ ...POST, signal: abort.signal }, notes);
    await arrived.promise;
    if (streams) await notes.until(() => notes.chunks.length > 0);
    abort.abort();
    expect(notes.failures.map(({ kind }) => kind)).toEqual(["aborted"]);
    await left.promise;
    expect(notes.ends).toBe(0);
  });

  it("a signal that fired before sends nothing", async () => {
    let requests = 0;
    const { client } = await engine((_, response) => {
      requests++;
      response.end();
    });
    const notes = new Notes();
    client.open({ ...POST, signal: AbortSignal.abort() }, notes);
    await notes.until(() => notes.isOver);
    expect(notes.failures.map(({ kind }) => kind)).toEqual(["aborted"]);
    expect((await client.getText("/")).status).toBe(200);
    expect(requests).toBe(1);
  });

  it("while the connection is being made leaves no request behind", async () => {
    let requests = 0;
    const { client } = await engine((_, response) => {
      requests++;
      response.end();
    });
    const notes = new Notes();
    const exchange = client.open(POST, notes);
    await Promise.resolve();
    exchange.abort();
    exchange.abort();
    expect(notes.failures.map(({ kind }) => kind)).toEqual(["aborted"]);
    await client.close();
    expect(requests).toBe(0);
  });
});

describe("timeouts, by a clock that the test moves", () => {
  it("no headers", async () => {
    const arrived = deferred();
    const { client, clock } = await engine(() => arrived.resolve());
    const notes = new Notes();
    client.open(POST, notes);
    await arrived.promise;
    clock.advance(LIMITS.headersMs);
    expect(notes.isOver).toBe(false);
    clock.advance(300);
    expect(notes.failures.map(({ kind }) => kind)).toEqual(["headers-timeout"]);
  });

  it("silence before the first byte of the body may last as long as headers, later it is idle", async () => {
    let stream: ServerResponse | null = null;
    const { client, clock } = await engine((_, response) => {
      stream = response;
      response.flushHeaders();
    });
    const notes = new Notes();
    client.open(POST, notes);
    await notes.until(() => notes.status !== null);
    clock.advance(LIMITS.headersMs);
    expect(notes.isOver).toBe(false);
    (stream as ServerResponse | null)?.write("a");
    await notes.until(() => notes.chunks.length > 0);
    clock.advance(LIMITS.idleMs);
    expect(notes.isOver).toBe(false);
    clock.advance(300);
    expect(notes.failures.map(({ kind }) => kind)).toEqual(["idle-timeout"]);
    expect(clock.timers).toBe(0);
  });

  it("silence while the reader is paused does not count, the total does", async () => {
    const { client, clock } = await engine((_, response) => response.write("a"));
    const notes = new Notes();
    const exchange = client.open(POST, notes);
    await notes.until(() => notes.chunks.length > 0);
    exchange.pause();
    clock.advance(3 * LIMITS.idleMs);
    exchange.resume();
    clock.advance(LIMITS.idleMs - 200);
    expect(notes.isOver).toBe(false);
    exchange.pause();
    clock.advance(LIMITS.totalMs);
    expect(notes.failures.map(({ kind }) => kind)).toEqual(["total-timeout"]);
  });
});

describe("backpressure", () => {
  it("a paused exchange stops reading, and loses nothing", async () => {
    const size = 32 * 1024 * 1024;
    let written = 0;
    const { client } = await engine((request, response) => {
      if (request.method === "GET") return void response.end();
      const piece = Buffer.alloc(1024 * 1024, "x");
      const more = (): void => {
        if (written === size) return void response.end();
        written += piece.length;
        response.write(piece, more);
      };
      more();
    });
    const notes = new Notes();
    const exchange = client.open(POST, notes);
    await notes.until(() => notes.chunks.length > 0);
    exchange.pause();
    const before = notes.chunks.length;
    expect((await client.getText("/")).failure).toBeNull();
    expect(notes.chunks.length - before).toBeLessThanOrEqual(1);
    expect(notes.isOver).toBe(false);
    exchange.resume();
    await notes.until(() => notes.isOver);
    expect(notes.text.length).toBe(size);
  });
});

describe("small answers", () => {
  it("come from the server's root, as text or JSON", async () => {
    const { client } = await engine((request, response) =>
      response.end(`{"url":"${request.url}"}`),
    );
    expect(await client.getJson("/health")).toEqual({
      failure: null,
      status: 200,
      body: { url: "/health" },
    });
    expect((await client.getText("/metrics")).body).toBe('{"url":"/metrics"}');
  });

  it("fail as values: not JSON, too late", async () => {
    const arrived = deferred();
    const { client, clock } = await engine((request, response) => {
      if (request.url === "/text") response.end("no");
      else arrived.resolve();
    });
    expect((await client.getJson("/text")).failure?.kind).toBe("protocol");
    const silent = client.getText("/silent", 1_000);
    await arrived.promise;
    clock.advance(1_300);
    expect((await silent).failure?.kind).toMatch(/^(headers|total)-timeout$/);
  });
});

it("destroy ends a close that waits", async () => {
  const { client } = await engine((_, response) => response.write("a"));
  const notes = new Notes();
  client.open(POST, notes);
  await notes.until(() => notes.chunks.length > 0);
  const closed = client.close();
  await client.destroy();
  await closed;
  expect(notes.failures.map(({ kind }) => kind)).toEqual(["aborted"]);
});

it("close waits for what is in flight and takes nothing new", async () => {
  let stream: ServerResponse | null = null;
  const { client } = await engine((_, response) => {
    stream = response;
    response.write("a");
  });
  const notes = new Notes();
  client.open(POST, notes);
  await notes.until(() => notes.chunks.length > 0);
  const closed = client.close();
  const late = new Notes();
  client.open(POST, late);
  await late.until(() => late.isOver);
  expect(late.failures.map(({ kind }) => kind)).toEqual(["aborted"]);
  (stream as ServerResponse | null)?.end("b");
  await closed;
  await client.close();
  expect(notes).toMatchObject({ ends: 1, failures: [] });
});
