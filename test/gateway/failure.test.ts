import { afterEach, describe, expect, test } from "vitest";
import {
  chat,
  closeBenches,
  errorOf,
  type ErrorReply,
  leavingClient,
  startBench,
  streamed,
  until,
  untilIdle,
} from "./bench.ts";
import {
  begin,
  delta,
  DONE,
  event,
  finish,
  HELLO,
  nothing,
  refuse,
  type Script,
  stream,
} from "./scripted-engine.ts";
import { printedStopwatch } from "./stopwatch.ts";

afterEach(closeBenches);

const stopwatch = printedStopwatch();

const cut: Script = ({ response }) => {
  begin(response);
  response.write(delta("half"), () => response.destroy());
};
const half: Script = ({ response }) => {
  begin(response);
  response.write(delta("half"));
};
const reset: Script = ({ response }) => void response.destroy();
const silent: Script = () => {};

/** The events of a stream, parsed; comments apart. */
function eventsOf(text: string): ({ error?: ErrorReply["error"] } | "[DONE]")[] {
  return text
    .split("\n\n")
    .filter((each) => each.startsWith("data: "))
    .map((each) => each.slice("data: ".length))
    .map((data) => (data === "[DONE]" ? data : JSON.parse(data)));
}

describe("an answer that is put together", () => {
  test("never lacks what a corrupt event held: another engine answers", async () => {
    const [first = "", ...others] = HELLO;
    const bench = await startBench({
      engines: {
        "small-1": stream(first, "data: {broken\n\n", ...others),
        "small-2": stream(...HELLO),
      },
      limits: { attemptsMax: 2 },
    });
    const response = await chat(bench);
    expect(response.status).toBe(200);
    expect(response.headers.get("x-chimera-engine")).toBe("small-2");
    await response.text();
    await untilIdle(bench.gateway);
  });
});

describe("before the first byte", () => {
  test.each([
    ["breaks the connection", reset],
    ["answers 500", refuse(500, "oops")],
    ["refuses the gateway's key", refuse(401, `{"error":"Unauthorized"}`)],
    ["does not stream", refuse(200, "{}")],
    ["reports an error in its first event", stream(event({ error: { message: "out of memory" } }))],
    ["ends without a word", stream()],
  ])("an engine that %s is replaced by another one", async (_name, broken) => {
    const bench = await startBench({
      engines: { "small-1": broken, "small-2": broken, "small-3": stream(...HELLO) },
      limits: { attemptsMax: 3 },
    });
    for (const request of [chat, streamed]) {
      const response = await request(bench);
      expect(response.status).toBe(200);
      expect(response.headers.get("x-chimera-engine")).toBe("small-3");
      expect(Number(response.headers.get("x-chimera-attempts"))).toBeGreaterThanOrEqual(1);
      expect(await response.text()).toContain("o");
    }
  });

  test.each([
    ["breaks the connection", reset, 502, "engine_failed"],
    ["answers 500", refuse(500, "oops"), 502, "engine_failed"],
    ["ends without finish_reason", stream(delta("a"), DONE), 502, "engine_incomplete"],
    [
      "reports an error",
      stream(event({ error: { message: "Context size has been exceeded." } })),
      502,
      "engine_failed",
    ],
  ])(
    "one that %s and has no stand-in fails the request, once",
    async (_name, script, status, code) => {
      const bench = await startBench({ engines: { small: script }, limits: { attemptsMax: 1 } });
      const response = await chat(bench);
      expect(response.status).toBe(status);
      expect(response.headers.get("x-should-retry")).toBe("false");
      const error = await errorOf(response);
      expect(error.code).toBe(code);
      expect(error.message).not.toContain("127.0.0.1");
      expect(error.message).not.toContain(String(bench.engine("small").port));
    },
  );

  test("one that is silent fails with 504", async () => {
    const bench = await startBench({
      engines: { small: silent },
      engine: { timeouts: { headersMs: 50 } },
      limits: { attemptsMax: 1 },
    });
    const response = await chat(bench);
    expect(response.status).toBe(504);
    expect((await errorOf(response)).code).toBe("engine_timeout");
    await bench.engine("small").seen[0]?.aborted;
  });

  test("an engine's words are kept back when they tell its address", async () => {
    const bench = await startBench({
      engines: {
        small: stream(event({ error: { message: "no route to http://127.0.0.1:9/v1" } })),
      },
      limits: { attemptsMax: 1 },
    });
    const error = await errorOf(await chat(bench));
    expect(error.message).toBe("The engine that served the request failed.");
  });

  test.each([429, 503])("%i means full: another engine, and no attempt is lost", async (status) => {
    const bench = await startBench({
      engines: {
        "small-1": refuse(status, "{}", { "retry-after": "3" }),
        "small-2": stream(...HELLO),
      },
      limits: { attemptsMax: 1 },
    });
    for (let index = 0; index < 4; index++) {
      const response = await chat(bench);
      expect(response.status).toBe(200);
      expect(response.headers.get("x-chimera-engine")).toBe("small-2");
    }
  });

  test.each([
    ["seconds", { "retry-after": "600" }],
    [
      "a date",
      {
        date: "Tue, 24 Nov 2026 10:00:00 GMT",
        "retry-after": "Tue, 24 Nov 2026 10:10:00 GMT",
      },
    ],
  ])("Retry-After in %s is obeyed, and told when nobody else can serve", async (_name, headers) => {
    let asked = 0;
    const full = refuse(503, "{}", headers);
    const bench = await startBench({
      engines: {
        small: (call) => {
          asked++;
          void full(call);
        },
      },
      limits: { queueWaitMsMax: 60_000 },
    });
    for (let request = 0; request < 3; request++) {
      const response = await (request === 1 ? streamed : chat)(bench);
      expect(response.status).toBe(503);
      const seconds = Number(response.headers.get("retry-after"));
      expect(seconds).toBeGreaterThan(500);
      expect(seconds).toBeLessThanOrEqual(600);
      expect((await errorOf(response)).code).toBe("deadline_unreachable");
    }
    expect(asked).toBe(1);
    await untilIdle(bench.gateway);
  });

  test("a request that finds only full engines ends at its queue limit", async () => {
    const bench = await startBench({
      engines: { small: refuse(503, "{}") },
      limits: { queueWaitMsMax: 30 },
    });
    const response = await chat(bench);
    expect(response.status).toBe(408);
    expect((await errorOf(response)).code).toBe("queue_timeout");
  });
});

describe("after the first byte", () => {
  test.each([
    ["is cut", cut, "engine_failed"],
    ["ends without finish_reason, with [DONE]", stream(delta("half"), DONE), "engine_incomplete"],
    ["ends in the middle of an event", stream(delta("half"), "data: {"), "engine_incomplete"],
    [
      "reports an error and then [DONE]",
      stream(delta("half"), event({ error: { message: "worker died" } }), DONE),
      "engine_failed",
    ],
  ])("a stream that %s ends with an error event and no [DONE]", async (_name, script, code) => {
    const bench = await startBench({ engines: { "small-1": script, "small-2": script } });
    const response = await streamed(bench);
    expect(response.status).toBe(200);
    const events = eventsOf(await response.text());
    const last = events.at(-1);
    expect(events).toHaveLength(2);
    expect(events).not.toContain("[DONE]");
    expect(last === "[DONE]" ? null : last?.error?.code).toBe(code);
    const seen = Object.values(bench.engines).flatMap((engine) => engine.seen);
    expect(seen).toHaveLength(1);
  });

  test("a stream that falls silent is cut, here and at the engine", async () => {
    const bench = await startBench({
      engines: { small: half },
      engine: { timeouts: { headersMs: 50, idleMs: 50 } },
    });
    const events = eventsOf(await (await streamed(bench)).text());
    const last = events.at(-1);
    expect(last === "[DONE]" ? null : last?.error?.code).toBe("engine_timeout");
    await bench.engine("small").seen[0]?.aborted;
  });

  test("a client that wanted no stream gets the other engine's whole answer", async () => {
    const bench = await startBench({ engines: { "small-1": cut, "small-2": cut } });
    const healthy = stream(...HELLO);
    let calls = 0;
    const script: Script = (seen) => (calls++ === 0 ? cut(seen) : healthy(seen));
    for (const engine of Object.values(bench.engines)) engine.script = script;
    const response = await chat(bench);
    expect(await response.json()).toMatchObject({ choices: [{ message: { content: "Hello" } }] });
    expect(response.headers.get("x-chimera-attempts")).toBe("2");
  });
});

describe("an engine that dies and comes back", () => {
  test("is left out, then used again; what had not begun moves on", async () => {
    const bench = await startBench({ engines: { "small-1": silent, "small-2": silent } });
    const waiting = streamed(bench);
    await until(() => Object.values(bench.engines).some((engine) => engine.seen.length > 0));
    const [dead, alive] = Object.values(bench.engines).toSorted(
      (a, b) => b.seen.length - a.seen.length,
    );
    if (alive === undefined || dead === undefined) throw new Error("unreachable");
    alive.script = stream(...HELLO);
    await dead.kill();
    expect(await (await waiting).text()).toContain("[DONE]");
    await until(() => bench.gateway.view().engines.some((engine) => engine.state === "dead"));
    expect((await streamed(bench)).status).toBe(200);
  });

  test("by the failure of a request: that request moves on once, not twice", async () => {
    const held: (() => void)[] = [];
    const bench = await startBench({
      engines: {
        "small-1": ({ response }) => {
          begin(response);
          held.push(() => response.end());
          // Three failed requests in a row are what an engine dies of.
          if (held.length === 3) for (const end of held) end();
        },
        "small-2": stream(...HELLO),
      },
      more: { policy: { choice: "round-robin", assign: "stage" } },
    });
    const outcomes = await Promise.all(
      Array.from({ length: 6 }, async (_, index) => {
        const headers = { "x-request-id": `r${index}`, "x-chimera-workflow-id": `flow-${index}` };
        const response = await chat(bench, { headers });
        expect(await response.text()).toContain(`"content":"Hello"`);
        await untilIdle(bench.gateway);
        const trace = await fetch(`${bench.url}/chimera/decisions/r${index}`);
        const { outcome }: { outcome: string } = JSON.parse(await trace.text());
        return outcome;
      }),
    );
    expect(outcomes.filter((outcome) => outcome !== "completed")).toEqual([]);
    expect(bench.engine("small-1").seen).toHaveLength(3);
    expect(bench.engine("small-2").seen).toHaveLength(6);
  });

  test.each([
    ["that had nothing to do", 0],
    ["in the middle of its streams", 4],
  ])("%s serves again soon after it was started anew", async (name, streams) => {
    const bench = await startBench({ engines: { small: half } });
    const running = Array.from({ length: streams }, async () => (await streamed(bench)).text());
    await until(() => bench.engine("small").seen.length === streams);
    await bench.engine("small").kill();
    for (const text of await Promise.all(running)) expect(text).not.toContain("[DONE]");
    await until(() => bench.gateway.view().engines[0]?.state === "dead");
    bench.engine("small").script = stream(...HELLO);
    await bench.engine("small").revive();
    const served = stopwatch.start(`from an engine's start to its first answer, one ${name}`);
    await until(() => bench.gateway.view().engines[0]?.state === "live");
    expect(await (await streamed(bench)).text()).toContain("[DONE]");
    served();
  });

  test("no engine at all: 503 at once, and readiness says so", async () => {
    const bench = await startBench({ engines: { small: silent } });
    await bench.engine("small").kill();
    await until(() => bench.gateway.view().engines[0]?.state === "dead");
    const response = await chat(bench);
    expect(response.status).toBe(503);
    expect((await errorOf(response)).code).toBe("no_engine");
    const ready = await fetch(new URL("/readyz", bench.url));
    expect(ready.status).toBe(503);
    expect(await ready.json()).toEqual({ ready: false, reason: "no engine is alive" });
  });
});

describe("a queue that is full", () => {
  test("refuses the next request with 429 and a time to try again", async () => {
    const bench = await startBench({
      engines: { small: silent },
      engine: { maxConcurrency: 1 },
      limits: { queueRequestsMax: 1 },
    });
    const { signal, leave } = leavingClient();
    const held = [streamed(bench, { signal }), streamed(bench, { signal })];
    await until(() => bench.gateway.view().requests === 2);
    const response = await chat(bench);
    expect(response.status).toBe(429);
    expect((await errorOf(response)).code).toBe("queue_full");
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    leave();
    await Promise.allSettled(held);
    await untilIdle(bench.gateway);
  });
});

describe("shutdown", () => {
  test("drains: new requests are refused, a running stream ends whole", async () => {
    let release = nothing;
    const bench = await startBench({
      engines: {
        small: ({ response }) => {
          begin(response);
          response.write(delta("a"));
          release = () => response.end(finish() + DONE);
        },
      },
    });
    const running = await streamed(bench);
    const closing = bench.gateway.close();
    release();
    expect(await running.text()).toContain("[DONE]");
    await closing;
    await expect(streamed(bench)).rejects.toThrow();
  });

  test("destroys: a running stream ends with an error event", async () => {
    const bench = await startBench({
      engines: {
        small: ({ response }) => {
          begin(response);
          response.write(delta("a"));
        },
      },
    });
    const running = await streamed(bench);
    const queuedAt = bench.engine("small").seen[0];
    await bench.gateway.destroy();
    const last = eventsOf(await running.text()).at(-1);
    expect(last === "[DONE]" ? null : last?.error?.code).toBe("shutting_down");
    await queuedAt?.aborted;
  });
});
