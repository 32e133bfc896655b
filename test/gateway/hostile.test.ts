import { afterEach, describe, expect, test } from "vitest";
import {
  type Bench,
  chat,
  closeBenches,
  errorOf,
  MESSAGES,
  startBench,
  streamed,
} from "./bench.ts";
import { head, sendRaw, statuses } from "./raw-client.ts";
import { begin, delta, DONE, event, finish, HELLO, stream } from "./scripted-engine.ts";

afterEach(closeBenches);

const engines = { small: stream(...HELLO) };
const BODY = JSON.stringify({ model: "small", messages: MESSAGES });
const POST = "POST /v1/chat/completions HTTP/1.1";
const HOST = "Host: gateway";
/** What an attacker would have a front take for the body of his request. */
const HIDDEN = head("GET /hidden HTTP/1.1", HOST);

function user(part: object): Record<string, unknown> {
  return { messages: [{ role: "user", content: [part] }] };
}

function served(bench: Bench): number {
  return bench.engine("small").seen.length;
}

describe("a message that two readers could cut in two ways is refused, and nothing behind it is read", () => {
  const chunk = "5\r\nhello\r\n0\r\n\r\n";
  test.each([
    [
      "a length beside chunks",
      [POST, HOST, "Content-Length: 5", "Transfer-Encoding: chunked"],
      chunk,
    ],
    [
      "chunks beside a length",
      [POST, HOST, "Transfer-Encoding: chunked", "Content-Length: 5"],
      chunk,
    ],
    ["two lengths", [POST, HOST, "Content-Length: 5", "Content-Length: 6"], "hello!"],
    ["a list of lengths", [POST, HOST, "Content-Length: 5, 6"], "hello!"],
    ["a length with a sign", [POST, HOST, "Content-Length: +5"], "hello"],
    ["a length in hexadecimal", [POST, HOST, "Content-Length: 0x5"], "hello"],
    [
      "chunks that are not the last coding",
      [POST, HOST, "Transfer-Encoding: chunked, identity"],
      chunk,
    ],
    ["a coding that is nearly chunks", [POST, HOST, "Transfer-Encoding: xchunked"], chunk],
    ["a space before the colon", [POST, HOST, "Transfer-Encoding : chunked"], chunk],
    [
      "a header on two lines",
      [POST, HOST, "Transfer-Encoding:\r\n chunked", "Content-Length: 5"],
      chunk,
    ],
    ["a bare line feed", [POST, `${HOST}\nContent-Length: 5`], "hello"],
    ["a carriage return in a value", [POST, HOST, "x-a: b\rContent-Length: 5"], "hello"],
    ["a null in a value", [POST, HOST, "x-a: b\0c", "Content-Length: 5"], "hello"],
    [
      "a size that is no number",
      [POST, HOST, "Transfer-Encoding: chunked"],
      "zz\r\nhello\r\n0\r\n\r\n",
    ],
    [
      "a size too large to count",
      [POST, HOST, "Transfer-Encoding: chunked"],
      `${"f".repeat(17)}\r\nhello`,
    ],
    [
      "a chunk longer than its size",
      [POST, HOST, "Transfer-Encoding: chunked"],
      "3\r\nhello\r\n0\r\n\r\n",
    ],
    ["no host", [POST, "Content-Length: 5"], "hello"],
  ])("%s", async (_name, lines, body) => {
    const bench = await startBench({ engines });
    const answers = await sendRaw(bench.url, head(...lines), body, HIDDEN);
    expect(statuses(answers)).toEqual([400]);
    expect(served(bench)).toBe(0);
  });

  test("while two whole requests on one connection are two", async () => {
    const bench = await startBench({ engines });
    const good = head(POST, HOST, `Content-Length: ${BODY.length}`) + BODY;
    const last = head("GET /healthz HTTP/1.1", HOST, "Connection: close");
    expect(statuses(await sendRaw(bench.url, good, last))).toEqual([200, 200]);
    expect(served(bench)).toBe(1);
  });
});

describe("limits", () => {
  test("headers that are too large", async () => {
    const bench = await startBench({ engines, limits: { headerBytesMax: 2048 } });
    const answers = await sendRaw(bench.url, head(POST, HOST, `x-a: ${"a".repeat(4096)}`));
    expect(statuses(answers)).toEqual([431]);
  });

  test("headers that never end, and a body that never does", async () => {
    const bench = await startBench({ engines, limits: { headersMsMax: 100, bodyMsMax: 100 } });
    expect(statuses(await sendRaw(bench.url, `${POST}\r\n${HOST}\r\n`))).toEqual([408]);
    const slow = head(POST, HOST, "Content-Length: 5");
    expect(statuses(await sendRaw(bench.url, slow, "he"))).toEqual([408]);
    expect(served(bench)).toBe(0);
  });

  test("a body that grows without end, in chunks", async () => {
    const bench = await startBench({ engines, limits: { bodyBytesMax: 1024 } });
    const chunk = `400\r\n${"a".repeat(1024)}\r\n`;
    const lines = head(POST, HOST, "Transfer-Encoding: chunked", "Connection: close");
    const answers = await sendRaw(bench.url, lines, chunk, chunk, "0\r\n\r\n");
    expect(statuses(answers)).toEqual([413]);
  });

  test("a body of too many levels or messages", async () => {
    const bench = await startBench({ engines, limits: { nestingMax: 8, messagesMax: 3 } });
    const deep = JSON.parse("[".repeat(8) + "]".repeat(8));
    const nested = await chat(bench, { body: { tools: deep } });
    expect([nested.status, (await errorOf(nested)).message]).toEqual([
      400,
      expect.stringContaining("deeper than 8 levels"),
    ]);
    const long = [...MESSAGES, ...MESSAGES, ...MESSAGES, ...MESSAGES];
    for (const path of ["/chat/completions", "/messages", "/messages/count_tokens"]) {
      const body = { messages: long, max_tokens: 5 };
      expect((await chat(bench, { path, body })).status).toBe(400);
    }
    expect((await chat(bench, { path: "/responses", body: { input: long } })).status).toBe(400);
    expect(served(bench)).toBe(0);
    expect((await chat(bench, { body: { tools: deep[0] } })).status).toBe(200);
  });

  test("an event of an engine that is too long is passed on unread, or is an error where it is needed", async () => {
    const long = delta("x".repeat(5000));
    const script = stream(long, finish(), DONE);
    const bench = await startBench({ engines: { small: script }, limits: { eventBytesMax: 1024 } });
    bench.engine("small").script = async ({ response }) => {
      begin(response);
      for (const text of [long.slice(0, 3000), long.slice(3000), finish(), DONE]) {
        await new Promise((resolve) => response.write(text, resolve));
      }
      response.end();
    };
    expect(await (await streamed(bench)).text()).toContain("x".repeat(5000));
    const whole = await chat(bench);
    expect([whole.status, (await errorOf(whole)).code]).toEqual([502, "engine_failed"]);
  });
});

describe("what is in a body stays there", () => {
  test("keys that name prototypes go on as they are and change nothing", async () => {
    const bench = await startBench({ engines });
    const body = `{"model":"small","messages":[{"role":"user","content":"x"}],"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}},"metadata":{"__proto__":{"polluted":1}}}`;
    for (const path of ["/chat/completions", "/messages", "/responses"]) {
      const sent = body.replace(
        `"messages":`,
        path === "/responses" ? `"input":` : `"max_tokens":5,"messages":`,
      );
      expect((await fetch(bench.url + path, { method: "POST", body: sent })).status).toBe(200);
    }
    expect(Reflect.get({}, "polluted")).toBeUndefined();
    expect(bench.engine("small").seen[0]?.text).toContain(`"__proto__":{"polluted":1}`);
  });

  test("the address of an image goes to the engine; the gateway does not look there", async () => {
    const bench = await startBench({ engines });
    // Any connection to this address would be one of the gateway's: it is an engine of its own.
    const target = await startBench({ engines: { bait: stream(...HELLO) } });
    const url = `${target.engine("bait").url}/secret.png`;
    const image = { type: "image_url", image_url: { url } };
    const source = { type: "image", source: { type: "url", url } };
    const input = { type: "input_image", image_url: url };
    const ask = (path: string, body: Record<string, unknown>) => chat(bench, { path, body });
    await (await ask("/chat/completions", user(image))).text();
    await (await ask("/messages", { ...user(source), max_tokens: 5 })).text();
    await (
      await ask("/responses", { messages: undefined, input: [{ role: "user", content: [input] }] })
    ).text();
    for (const seen of bench.engine("small").seen) expect(seen.text).toContain(url);
    expect(served(bench)).toBe(3);
    expect(target.engine("bait").paths.filter((path) => path.includes("secret"))).toEqual([]);
  });
});

describe("between client and engine", () => {
  test("a header that belongs to one connection or to the client does not go on", async () => {
    const bench = await startBench({ engines, engine: { apiKey: "engine-key" } });
    const lines = [
      POST,
      HOST,
      "Authorization: Bearer client-secret",
      "X-Api-Key: client-secret",
      "Cookie: client-secret",
      "Proxy-Authorization: client-secret",
      "Connection: close, x-hop",
      "X-Hop: client-secret",
      "Keep-Alive: timeout=5",
      "TE: trailers",
      "X-Forwarded-For: client-secret",
      `Content-Length: ${BODY.length}`,
    ];
    expect(statuses(await sendRaw(bench.url, head(...lines), BODY))).toEqual([200]);
    const headers = bench.engine("small").seen[0]?.headers ?? {};
    expect(JSON.stringify(headers)).not.toContain("client-secret");
    expect(headers.authorization).toBe("Bearer engine-key");
    for (const name of ["x-hop", "te", "cookie", "x-forwarded-for"])
      expect(headers[name]).toBeUndefined();
  });

  test("a header of the engine does not come back", async () => {
    const bench = await startBench({
      engines: {
        small: ({ response }) => {
          response.writeHead(200, {
            "content-type": "text/event-stream",
            "set-cookie": "engine-secret",
            server: "engine-secret",
            "x-engine": "engine-secret",
            "x-chimera-engine": "engine-secret",
            "x-request-id": "engine-secret",
          });
          response.end(HELLO.join(""));
        },
      },
    });
    for (const answer of [await chat(bench), await streamed(bench)]) {
      expect(JSON.stringify([...answer.headers])).not.toContain("engine-secret");
    }
  });

  test("an engine that sends the gateway elsewhere has failed", async () => {
    const bait = await startBench({ engines: { bait: stream(...HELLO) } });
    const bench = await startBench({
      engines: {
        small: ({ response }) => {
          response
            .writeHead(307, { location: `${bait.engine("bait").url}/chat/completions` })
            .end();
        },
      },
      limits: { attemptsMax: 1 },
    });
    const answer = await chat(bench);
    expect(answer.status).toBeGreaterThanOrEqual(500);
    expect(await answer.text()).not.toContain("127.0.0.1");
    expect(bait.engine("bait").seen).toEqual([]);
  });

  test("no error tells an engine's address", async () => {
    const bench = await startBench({ engines, limits: { attemptsMax: 1 } });
    const engine = bench.engine("small");
    const here = `127.0.0.1:${engine.port}`;
    const wrongs = [
      stream(event({ error: { message: `cannot reach http://${here}/v1` } })),
      stream(delta("Hel")),
      stream("data: {broken\n\n"),
    ];
    for (const wrong of wrongs) {
      engine.script = wrong;
      for (const answer of [await chat(bench), await streamed(bench)]) {
        const text = (await answer.text()) + JSON.stringify([...answer.headers]);
        expect(text).not.toContain(String(engine.port));
      }
    }
    await engine.kill();
    expect(await (await chat(bench)).text()).not.toContain(String(engine.port));
  });
});
