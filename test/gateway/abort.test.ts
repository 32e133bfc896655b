import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import type { Estimate } from "../../src/core/types.ts";
import type { Predictor } from "../../src/predict/port.ts";
import {
  type Bench,
  chat,
  closeBenches,
  leavingClient,
  startBench,
  streamed,
  until,
  untilIdle,
} from "./bench.ts";
import { startFrozenEngine } from "./frozen-engine.ts";
import { begin, delta, HELLO, refuse, type Script, stream } from "./scripted-engine.ts";
import { printedStopwatch } from "./stopwatch.ts";

afterEach(closeBenches);

/** From the moment a client leaves until nothing is left of its request, at the engine or on the books. */
const stopwatch = printedStopwatch();

const silent: Script = () => {};

async function gone(request: Promise<unknown>): Promise<void> {
  await expect(request).rejects.toThrow();
}

/** The gateway serves the next request: nothing of the one that left is in its way. */
async function expectServes(bench: Bench): Promise<void> {
  await untilIdle(bench.gateway);
  for (const engine of Object.values(bench.engines)) engine.script = stream(...HELLO);
  expect((await chat(bench)).status).toBe(200);
}

describe("a client that leaves", () => {
  test("while its body is read leaves nothing behind", async () => {
    const bench = await startBench({ engines: { small: silent } });
    const { hostname, port } = new URL(bench.url);
    const socket: Socket = connect(Number(port), hostname);
    await once(socket, "connect");
    socket.write("POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{");
    const freed = stopwatch.start("left while its body was read");
    socket.destroy();
    await untilIdle(bench.gateway);
    freed();
    await expectServes(bench);
    expect(bench.engine("small").seen).toHaveLength(1);
  });

  test("while the prediction is awaited never reaches an engine", async () => {
    let asked = false;
    const predictor: Predictor = {
      name: "slow",
      predict: () => {
        asked = true;
        return new Promise<Estimate[] | null>(() => {});
      },
      close: () => Promise.resolve(),
    };
    const bench = await startBench({
      engines: { small: silent },
      more: { prediction: { budgetMs: 60_000 } },
      predictor,
    });
    const { signal, leave } = leavingClient();
    const request = streamed(bench, { signal });
    await until(() => asked);
    const freed = stopwatch.start("left while the prediction was awaited");
    const left = gone(request);
    leave();
    await untilIdle(bench.gateway);
    freed();
    await left;
    expect(bench.engine("small").seen).toHaveLength(0);
  });

  test("while queued never reaches an engine", async () => {
    const bench = await startBench({ engines: { small: silent }, engine: { maxConcurrency: 1 } });
    const first = leavingClient();
    const running = streamed(bench, { signal: first.signal });
    await bench.engine("small").arrived(1);
    const second = leavingClient();
    const queued = streamed(bench, { signal: second.signal });
    await until(() => bench.gateway.view().engines[0]?.waiting === 1);
    const freed = stopwatch.start("left while queued");
    const left = gone(queued);
    second.leave();
    await until(() => bench.gateway.view().requests === 1);
    freed();
    await left;
    first.leave();
    await gone(running);
    await untilIdle(bench.gateway);
    expect(bench.engine("small").seen).toHaveLength(1);
  });

  test.each([
    ["a stream", streamed],
    ["a whole answer", chat],
  ])("while the engine's headers are awaited, for %s, ends its work there", async (name, ask) => {
    const bench = await startBench({ engines: { small: silent } });
    const { signal, leave } = leavingClient();
    const request = ask(bench, { signal });
    const seen = await bench.engine("small").arrived(1);
    const stopped = stopwatch.start(`left while headers were awaited, ${name}`);
    const left = gone(request);
    leave();
    await seen.aborted;
    stopped();
    await left;
    await expectServes(bench);
  });

  test.each([
    ["a stream", streamed],
    ["a whole answer", chat],
  ])("in mid-stream, for %s, ends the engine's work", async (name, ask) => {
    const bench = await startBench({
      engines: {
        small: ({ response }) => {
          begin(response);
          response.write(delta("a"));
        },
      },
    });
    const { signal, leave } = leavingClient();
    const request = ask(bench, { signal }).then((response) => response.text());
    const seen = await bench.engine("small").arrived(1);
    await until(() => seen.response.headersSent);
    const stopped = stopwatch.start(`left in mid-stream, ${name}`);
    const left = gone(request);
    leave();
    await seen.aborted;
    stopped();
    await left;
    await expectServes(bench);
  });

  test("while the engine is being connected to never has its request sent", async () => {
    const engine = await startFrozenEngine(HELLO.join(""));
    try {
      const engines = [{ name: "small", model: "small", url: engine.url }];
      const bench = await startBench({ engines: {}, more: { engines } });
      await engine.freeze();
      const { signal, leave } = leavingClient();
      const request = chat(bench, { signal });
      await engine.approached();
      expect(bench.gateway.view().engines[0]?.running).toBe(1);
      const freed = stopwatch.start("left while the engine was being connected to");
      const left = gone(request);
      leave();
      await untilIdle(bench.gateway);
      freed();
      await left;
      expect(engine.connections()).toBe(0);
      engine.thaw();
      expect(await (await chat(bench)).text()).toContain("Hello");
      expect(engine.posts()).toBe(1);
    } finally {
      await engine.close();
    }
  });

  test("while the engine has asked for a pause is not tried again", async () => {
    const full = refuse(503, "{}", { "retry-after": "60" });
    const bench = await startBench({ engines: { small: full } });
    const { signal, leave } = leavingClient();
    const request = chat(bench, { signal });
    await bench.engine("small").arrived(1);
    await until(() => bench.gateway.view().engines[0]?.waiting === 1);
    const freed = stopwatch.start("left while its next attempt was put off");
    const left = gone(request);
    leave();
    await untilIdle(bench.gateway);
    freed();
    await left;
    expect(bench.engine("small").seen).toHaveLength(1);
  });

  test("between two attempts is not tried again", async () => {
    const bench = await startBench({
      engines: { small: ({ response }) => void response.destroy() },
      limits: { attemptsMax: 100 },
    });
    const { signal, leave } = leavingClient();
    const request = chat(bench, { signal });
    await bench.engine("small").arrived(1);
    const left = gone(request);
    leave();
    await left;
    await expectServes(bench);
  });
});

test("after 600 clients that left, the next request is served at once", async () => {
  const bench = await startBench({ engines: { small: silent }, engine: { maxConcurrency: 4 } });
  const { signal, leave } = leavingClient();
  const crowd = Array.from({ length: 600 }, () => streamed(bench, { signal }));
  await until(() => bench.gateway.view().requests === 600);
  const served = stopwatch.start("until the next answer after 600 clients that left");
  const left = Promise.allSettled(crowd);
  leave();
  await expectServes(bench);
  served();
  await left;
});
