import { afterEach, describe, expect, test } from "vitest";
import {
  chat,
  closeBenches,
  errorOf,
  leavingClient,
  startBench,
  streamed,
  until,
  untilIdle,
} from "./bench.ts";
import type { Script } from "./scripted-engine.ts";

afterEach(closeBenches);

const silent: Script = () => {};
const one = { engines: { small: silent }, engine: { maxConcurrency: 1 } };

describe("admission", () => {
  test("a higher class takes the place of the last of a lower one", async () => {
    const bench = await startBench({ ...one, limits: { queueRequestsMax: 1 } });
    const { signal, leave } = leavingClient();
    const running = chat(bench, { signal });
    await until(() => bench.gateway.view().engines[0]?.running === 1);
    const bulk = chat(bench, { headers: { "x-chimera-class": "bulk" } });
    await until(() => bench.gateway.view().requests === 2);
    const held = streamed(bench, { signal, headers: { "x-chimera-class": "interactive" } });
    const response = await bulk;
    expect(response.status).toBe(503);
    expect((await errorOf(response)).code).toBe("shed");
    expect(Number(response.headers.get("retry-after"))).toBeGreaterThan(0);
    leave();
    await Promise.allSettled([running, held]);
    await untilIdle(bench.gateway);
  });

  test("what cannot begin in time is refused at once", async () => {
    const bench = await startBench(one);
    const { signal, leave } = leavingClient();
    const running = chat(bench, { signal });
    await until(() => bench.gateway.view().engines[0]?.running === 1);
    const response = await chat(bench, { headers: { "x-chimera-start-within-ms": "1" } });
    expect(response.status).toBe(503);
    expect((await errorOf(response)).code).toBe("deadline_unreachable");
    leave();
    await Promise.allSettled([running]);
    await untilIdle(bench.gateway);
  });

  test("one key's share of the queue leaves room for others", async () => {
    const bench = await startBench({ ...one, limits: { queueRequestsPerKeyMax: 1 } });
    const { signal, leave } = leavingClient();
    const greedy = { authorization: "Bearer greedy" };
    const held = [chat(bench, { signal, headers: greedy })];
    await until(() => bench.gateway.view().engines[0]?.running === 1);
    held.push(chat(bench, { signal, headers: greedy }));
    await until(() => bench.gateway.view().requests === 2);
    const refused = await chat(bench, { headers: greedy });
    expect((await errorOf(refused)).code).toBe("queue_full");
    held.push(chat(bench, { signal, headers: { authorization: "Bearer modest" } }));
    await until(() => bench.gateway.view().requests === 3);
    leave();
    await Promise.allSettled(held);
    await untilIdle(bench.gateway);
  });
});
