import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { testSeed } from "../../test/seed.ts";
import { identify, type Identity } from "./identity.ts";
import { readPrompt } from "./prompt.ts";
import type { RequestHeaders } from "./request-headers.ts";
import { Sessions, type Arrival } from "./sessions.ts";

const LIMITS = { entriesMax: 100, idleMs: 1000 };
const CHAT = { messages: [{ role: "user", content: "Name a prime." }] };

function identityOf(headers: RequestHeaders, body: unknown, keyScope = "a"): Identity {
  const identity = identify({ headers, body, prompt: readPrompt(body), keyScope });
  if ("problem" in identity) throw new Error(identity.problem);
  return identity;
}

function arrive(
  sessions: Sessions,
  headers: RequestHeaders,
  timeMs: number,
  body: unknown = CHAT,
): Arrival {
  return sessions.arrive(identityOf(headers, body), readPrompt(body), timeMs);
}

const NAMED = { "x-session-id": "s" };

describe("a named workflow", () => {
  it("counts its stages and remembers their output tokens", () => {
    const sessions = new Sessions(LIMITS);
    const first = arrive(sessions, NAMED, 0);
    expect(first).toMatchObject({ source: "session", stage: 0, producedTokens: [], starts: true });
    sessions.stageEnded(first.workflowId, 12, 1);
    const second = arrive(sessions, NAMED, 2);
    expect(second).toMatchObject({ stage: 1, producedTokens: [12], starts: false });
    expect(first.producedTokens).toEqual([]);
  });

  it("remembers the last 32 stages", () => {
    const sessions = new Sessions(LIMITS);
    const { workflowId } = arrive(sessions, NAMED, 0);
    for (let tokens = 0; tokens < 40; tokens += 1) sessions.stageEnded(workflowId, tokens, 1);
    const { producedTokens } = arrive(sessions, NAMED, 2);
    expect(producedTokens).toHaveLength(32);
    expect([producedTokens[0], producedTokens.at(-1)]).toEqual([8, 39]);
  });

  it("gives the number of a failed stage again", () => {
    const sessions = new Sessions(LIMITS);
    const { workflowId } = arrive(sessions, NAMED, 0);
    sessions.stageEnded(workflowId, null, 1);
    expect(arrive(sessions, NAMED, 2)).toMatchObject({ stage: 0, producedTokens: [] });
  });

  it("takes the stage that its client states and goes on from there", () => {
    const sessions = new Sessions(LIMITS);
    expect(arrive(sessions, { ...NAMED, "x-chimera-stage": "4" }, 0).stage).toBe(4);
    expect(arrive(sessions, NAMED, 1).stage).toBe(5);
  });

  it("starts anew after it ended or idled out", () => {
    const sessions = new Sessions(LIMITS);
    const { workflowId } = arrive(sessions, NAMED, 0);
    arrive(sessions, NAMED, 1);
    expect(sessions.end(workflowId)).toBe(true);
    expect(sessions.end(workflowId)).toBe(false);
    expect(arrive(sessions, NAMED, 2)).toMatchObject({ stage: 0, starts: true });
    expect(arrive(sessions, NAMED, 1002)).toMatchObject({ stage: 1, starts: false });
    expect(arrive(sessions, NAMED, 2003)).toMatchObject({ stage: 0, starts: true });
    const stated = { ...NAMED, "x-chimera-stage": "7" };
    expect(arrive(sessions, stated, 9000)).toMatchObject({ stage: 7, starts: true });
  });

  it("is another one under another key", () => {
    const sessions = new Sessions(LIMITS);
    const ids = ["a", "b"].map((key) => {
      const identity = identityOf(NAMED, CHAT, key);
      return sessions.arrive(identity, readPrompt(CHAT), 0).workflowId;
    });
    expect(new Set(ids).size).toBe(2);
  });
});

describe("a workflow without an id", () => {
  const grown = {
    messages: [
      ...CHAT.messages,
      { role: "assistant", content: "2" },
      { role: "user", content: "Larger." },
    ],
  };

  it("is recognised by its conversation", () => {
    const sessions = new Sessions(LIMITS);
    const first = arrive(sessions, {}, 0);
    sessions.stageEnded(first.workflowId, 1, 1);
    const second = arrive(sessions, {}, 2, grown);
    expect(second).toMatchObject({ source: "fingerprint", stage: 1, producedTokens: [1] });
    expect(second.workflowId).toBe(first.workflowId);
    sessions.end(first.workflowId);
    expect(arrive(sessions, {}, 3, grown).workflowId).not.toBe(first.workflowId);
  });

  it("may be named by the id that the gateway gave it", () => {
    const sessions = new Sessions(LIMITS);
    const first = arrive(sessions, {}, 0);
    const name = first.workflowId.slice(first.workflowId.indexOf(":") + 1);
    const second = arrive(sessions, { "x-chimera-workflow-id": name }, 1);
    expect(second).toMatchObject({ workflowId: first.workflowId, stage: 1, source: "chimera" });
  });

  it("repeats its stage after a failure", () => {
    const sessions = new Sessions(LIMITS);
    const first = arrive(sessions, {}, 0);
    sessions.stageEnded(first.workflowId, null, 1);
    const again = arrive(sessions, {}, 2);
    expect(again).toMatchObject({ workflowId: first.workflowId, stage: 0, starts: false });
  });

  it("stands alone where there is no text", () => {
    const sessions = new Sessions(LIMITS);
    const [first, second] = [arrive(sessions, {}, 0, {}), arrive(sessions, {}, 0, null)];
    expect([first.source, second.source]).toEqual(["none", "none"]);
    expect(first.workflowId).not.toBe(second.workflowId);
  });
});

describe("bounds", () => {
  it(`holds at any rate (seed ${testSeed})`, () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ id: fc.nat(30), end: fc.boolean(), waitMs: fc.nat(400) })),
        (requests) => {
          const sessions = new Sessions({ entriesMax: 5, idleMs: 1000 });
          let timeMs = 0;
          for (const { id, end, waitMs } of requests) {
            timeMs += waitMs;
            const { workflowId } = arrive(sessions, { "x-session-id": `s${id}` }, timeMs);
            sessions.stageEnded(workflowId, id, timeMs);
            if (end) sessions.end(workflowId);
            expect(sessions.size).toBeLessThanOrEqual(5);
          }
        },
      ),
      { seed: testSeed, numRuns: 100 },
    );
  });
});
