import { afterEach, describe, expect, test } from "vitest";
import { closeBenches, startBench, streamed, until } from "./bench.ts";
import {
  begin,
  delta,
  DONE,
  finish,
  HELLO,
  nothing,
  refuse,
  type Script,
  stream,
} from "./scripted-engine.ts";

afterEach(closeBenches);

const limits = { statusHoldMs: 20, pingAfterMs: 100 };

/** Waits for the first bytes of the stream, then lets the engine go on. */
async function textAfterFirst(response: Response, go: () => void): Promise<string> {
  const reader = response.body?.getReader();
  const parts: Uint8Array[] = [];
  for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) {
    if (parts.length === 0) go();
    parts.push(part.value);
  }
  return Buffer.concat(parts).toString("utf8");
}

describe("a stream that waits long for its engine", () => {
  test("is opened early, kept alive by comments, and told at its end where it went", async () => {
    let go = nothing;
    const script: Script = (seen) => {
      go = () => void stream(...HELLO)(seen);
    };
    const bench = await startBench({ engines: { small: script }, limits });
    const response = await streamed(bench, { headers: { "x-chimera-workflow-id": "flow-1" } });
    expect(response.headers.get("x-chimera-workflow-id")).toBe("flow-1");
    expect(response.headers.get("x-chimera-engine")).toBeNull();
    const text = await textAfterFirst(response, () => go());
    expect(text.startsWith(": ping\n\n")).toBe(true);
    const comment = /: chimera (\{.*\})\n\ndata: \[DONE\]\n\n$/.exec(text)?.[1] ?? "{}";
    expect(JSON.parse(comment)).toMatchObject({
      "x-chimera-engine": "small",
      "x-chimera-workflow-id": "flow-1",
      "x-chimera-attempts": "1",
    });
    expect(text.replaceAll(/^: [^\n]*\n\n/gm, "")).toBe(
      [delta("Hel"), delta("lo"), finish(), DONE].join(""),
    );
  });

  test("gets errors as events: ours and the engine's refusals", async () => {
    for (const [script, words] of [
      [refuse(500, "no"), "It answered with status 500."],
      [refuse(400, `{"error":{"message":"too long","type":"x"}}`), "too long"],
    ] as const) {
      let go = nothing;
      const bench = await startBench({
        engines: { small: (seen) => void (go = () => void script(seen)) },
        limits: { ...limits, attemptsMax: 1 },
      });
      const response = await streamed(bench);
      expect(response.status).toBe(200);
      const text = await textAfterFirst(response, () => go());
      expect(text).toContain(`data: {"error":`);
      expect(text).toContain(words);
      expect(text).not.toContain("[DONE]");
    }
  });

  test("may still be tried on another engine", async () => {
    let go = nothing;
    let calls = 0;
    const script: Script = (seen) => {
      if (calls++ > 0) return stream(...HELLO)(seen);
      go = () => void seen.response.destroy();
    };
    const bench = await startBench({ engines: { "small-1": script, "small-2": script }, limits });
    const text = await textAfterFirst(await streamed(bench), () => go());
    expect(text).toContain(`"x-chimera-attempts":"2"`);
    expect(text.endsWith(DONE)).toBe(true);
  });
});

test("an error before the status was sent keeps its own", async () => {
  const bench = await startBench({
    engines: { small: refuse(500, "no") },
    limits: { statusHoldMs: 60_000, attemptsMax: 1 },
  });
  expect((await streamed(bench)).status).toBe(502);
});

test("silence in mid-stream is bridged between events, never inside one", async () => {
  let go = nothing;
  const bench = await startBench({
    engines: {
      small: ({ response }) => {
        begin(response);
        response.write(delta("a") + delta("b").slice(0, 20));
        go = () => response.end(delta("b").slice(20) + finish() + DONE);
      },
    },
    limits: { statusHoldMs: 20, pingAfterMs: 100 },
  });
  const response = await streamed(bench);
  const reader = response.body?.getReader();
  let text = "";
  for (let part = await reader?.read(); part?.done === false; part = await reader?.read()) {
    text += Buffer.from(part.value).toString("utf8");
    if (text.endsWith(": ping\n\n")) go();
  }
  expect(text.replaceAll(": ping\n\n", "")).toBe(delta("a") + delta("b") + finish() + DONE);
  expect(text).toContain(`${delta("a")}: ping\n\n`);
  await until(() => bench.gateway.view().requests === 0);
});
