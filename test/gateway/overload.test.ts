import { afterEach, expect, test } from "vitest";
import { chat, closeBenches, errorOf, startBench, until, untilIdle } from "./bench.ts";
import { HELLO, type Script, stream } from "./scripted-engine.ts";

afterEach(closeBenches);

const SEQUENCES = 4;
const QUEUED_MAX = 8;
const BULK = 40;

/** How a request was refused, and whether it was told when to come back. */
async function endOf(response: Response): Promise<object> {
  const isTold = Number(response.headers.get("retry-after")) > 0;
  return { status: response.status, code: (await errorOf(response)).code, isTold };
}

test("under more than the engines can do, bulk is refused and told when to return, interactive is served, and the queue stays bounded", async () => {
  const held: (() => void)[] = [];
  const slow: Script = (seen) => void held.push(() => void stream(...HELLO)(seen));
  const bench = await startBench({
    engines: { small: slow },
    engine: { maxConcurrency: SEQUENCES },
    limits: { queueRequestsMax: QUEUED_MAX },
  });
  const ask = (name: string): Promise<Response> =>
    chat(bench, { headers: { "x-chimera-class": name } });
  const running = Array.from({ length: SEQUENCES }, () => ask("bulk"));
  await bench.engine("small").arrived(SEQUENCES);
  const ends: object[] = [];
  const bulk = Array.from({ length: BULK }, async () => ends.push(await endOf(await ask("bulk"))));
  // As many as there is room for wait, the others are refused at once.
  await until(() => ends.length === BULK - QUEUED_MAX);
  const full = { status: 429, code: "queue_full", isTold: true };
  expect(ends).toEqual(ends.map(() => full));
  expect(bench.gateway.view().requests).toBe(SEQUENCES + QUEUED_MAX);
  const interactive = Array.from({ length: QUEUED_MAX }, () => ask("interactive"));
  await Promise.all(bulk);
  const shed = { status: 503, code: "shed", isTold: true };
  expect(ends.slice(-QUEUED_MAX)).toEqual(Array.from({ length: QUEUED_MAX }, () => shed));
  expect(bench.gateway.view().queuedByClass).toMatchObject({ interactive: QUEUED_MAX, bulk: 0 });
  bench.engine("small").script = stream(...HELLO);
  for (const release of held) release();
  for (const response of await Promise.all([...interactive, ...running])) {
    expect(response.status).toBe(200);
  }
  await untilIdle(bench.gateway);
  expect((await chat(bench)).status).toBe(200);
});
