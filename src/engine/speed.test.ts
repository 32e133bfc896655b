import { array, assert, double, integer, property, record } from "fast-check";
import { describe, expect, it } from "vitest";
import { testSeed } from "../../test/seed.ts";
import { createRandom } from "../core/random.ts";
import type { Speed } from "../core/types.ts";
import {
  initialSpeed,
  observeSpeed,
  type SpeedObservation,
  type SpeedState,
  speedOf,
} from "./speed.ts";

const PRIOR: Speed = { baseMs: 20, perSequenceMs: 1, perKvTokenMs: 0.001, perPromptTokenMs: 0.2 };

function stepMs(speed: Speed, batch: number): number {
  return speed.baseMs + speed.perSequenceMs * batch;
}

/** A request on an engine of the given speed. */
function request(
  speed: Speed,
  batch: number,
  waitMs: number = 0,
  noise: number = 1,
): SpeedObservation {
  const step = stepMs(speed, batch) * noise;
  return {
    promptTokens: 500,
    outputTokens: 101,
    firstTokenMs: waitMs + 500 * speed.perPromptTokenMs + step,
    decodeMs: 100 * step,
    meanBatch: batch,
    meanHeldTokens: 0,
  };
}

function learned(prior: Speed, requests: readonly SpeedObservation[]): SpeedState {
  return requests.reduce(observeSpeed, initialSpeed(prior));
}

it("before the first request it is the prior", () => {
  expect(speedOf(initialSpeed(PRIOR))).toEqual({ speed: PRIOR, observations: 0 });
});

describe("after 200 requests at varying batch", () => {
  it.each([
    ["faster", 0.1],
    ["as expected", 1],
    ["slower", 10],
    ["far from a wild guess", 100],
  ])("an engine %s is known within a tenth, its prompts within a fifth", (_, factor) => {
    const truth = {
      baseMs: 30 * factor,
      perSequenceMs: 0.7 * factor,
      perKvTokenMs: 0,
      perPromptTokenMs: 0.1 * factor,
    };
    const random = createRandom(testSeed);
    const requests = Array.from({ length: 200 }, () =>
      request(truth, 1 + Math.floor(random.next() * 32), 0, 0.9 + 0.2 * random.next()),
    );
    const { speed, observations } = speedOf(learned(PRIOR, requests));
    expect(observations).toBe(200);
    for (const batch of [1, 8, 32]) {
      const ratio = stepMs(speed, batch) / stepMs(truth, batch);
      expect(Math.abs(ratio - 1)).toBeLessThan(0.1);
    }
    expect(Math.abs(speed.perPromptTokenMs / truth.perPromptTokenMs - 1)).toBeLessThan(0.2);
  });
});

it("at a batch that never varies, the level is measured and the shape is the prior's", () => {
  const truth = { ...PRIOR, baseMs: 40, perSequenceMs: 2 };
  const { speed } = speedOf(
    learned(
      PRIOR,
      Array.from({ length: 100 }, () => request(truth, 4)),
    ),
  );
  expect(Math.abs(stepMs(speed, 4) / 48 - 1)).toBeLessThan(0.02);
  expect(Math.abs(speed.baseMs / speed.perSequenceMs / 20 - 1)).toBeLessThan(0.05);
});

it("an engine that changes is followed", () => {
  const slow = { ...PRIOR, baseMs: 60, perSequenceMs: 3 };
  const before = Array.from({ length: 200 }, (_, i) => request(PRIOR, 1 + (i % 16)));
  const after = Array.from({ length: 300 }, (_, i) => request(slow, 1 + (i % 16)));
  const { speed } = speedOf(learned(PRIOR, [...before, ...after]));
  expect(stepMs(speed, 8) / stepMs(slow, 8)).toBeGreaterThan(0.9);
});

it("waiting before the first token does not pass for prompt work", () => {
  const requests = Array.from({ length: 200 }, (_, i) =>
    request(PRIOR, 4, i % 4 === 0 ? 2_000 : 0),
  );
  const { speed } = speedOf(learned(PRIOR, requests));
  expect(speed.perPromptTokenMs).toBeLessThan(1.5 * PRIOR.perPromptTokenMs);
});

it("a request of one token tells nothing of decoding", () => {
  const one = { ...request(PRIOR, 4), outputTokens: 1, decodeMs: 0, promptTokens: 10 };
  const state = initialSpeed(PRIOR);
  expect(observeSpeed(state, one)).toBe(state);
});

it("whatever is seen, no term is negative or infinite, and the same requests give the same speed", () => {
  const any = record({
    promptTokens: integer({ min: 0, max: 1e6 }),
    outputTokens: integer({ min: 0, max: 1e5 }),
    firstTokenMs: double({ min: 0, max: 1e7, noNaN: true }),
    decodeMs: double({ min: 0, max: 1e8, noNaN: true }),
    meanBatch: double({ min: 0, max: 1e3, noNaN: true }),
    meanHeldTokens: double({ min: 0, max: 1e7, noNaN: true }),
  });
  assert(
    property(array(any, { maxLength: 40 }), (requests) => {
      const state = learned(PRIOR, requests);
      for (const term of Object.values(speedOf(state).speed)) {
        expect(Number.isFinite(term)).toBe(true);
        expect(term).toBeGreaterThanOrEqual(0);
      }
      expect(learned(PRIOR, requests)).toEqual(state);
      expect(JSON.parse(JSON.stringify(state))).toEqual(state);
    }),
    { seed: testSeed, numRuns: 300 },
  );
});
