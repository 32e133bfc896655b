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
import { begin, delta, HELLO, type Script, stream } from "./scripted-engine.ts";

afterEach(closeBenches);

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
    socket.destroy();
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
    leave();
    await gone(request);
    await untilIdle(bench.gateway);
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
    second.leave();
    await gone(queued);
    await until(() => bench.gateway.view().requests === 1);
    first.leave();
    await gone(running);
    await untilIdle(bench.gateway);
    expect(bench.engine("small").seen).toHaveLength(1);
  });

  test.each([
    ["a stream", streamed],
    ["a whole answer", chat],
  ])("while the engine's headers are awaited, for %s, ends its work there", async (_name, ask) => {
    const bench = await startBench({ engines: { small: silent } });
    const { signal, leave } = leavingClient();
    const request = ask(bench, { signal });
    const seen = await bench.engine("small").arrived(1);
    leave();
    await gone(request);
    await seen.aborted;
    await expectServes(bench);
  });

  test.each([
    ["a stream", streamed],
    ["a whole answer", chat],
  ])("in mid-stream, for %s, ends the engine's work", async (_name, ask) => {
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
    leave();
    await gone(request);
    await seen.aborted;
    await expectServes(bench);
  });

  test("between two attempts is not tried again", async () => {
    const bench = await startBench({
      engines: { small: ({ response }) => void response.destroy() },
      limits: { attemptsMax: 100 },
    });
    const { signal, leave } = leavingClient();
    const request = chat(bench, { signal });
    await bench.engine("small").arrived(1);
    leave();
    await gone(request);
    await expectServes(bench);
  });
});

test("after 200 clients that left, the next request is served at once", async () => {
  const bench = await startBench({ engines: { small: silent }, engine: { maxConcurrency: 4 } });
  const { signal, leave } = leavingClient();
  const crowd = Array.from({ length: 200 }, () => streamed(bench, { signal }));
  await until(() => bench.gateway.view().requests === 200);
  leave();
  await Promise.allSettled(crowd);
  await expectServes(bench);
});
