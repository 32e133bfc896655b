import fc from "fast-check";
import { expect, test } from "vitest";
import { fitSpeed, type SpeedPoint } from "./speed-fit.ts";

type Shape = Omit<SpeedPoint, "measuredMs">;

const SHAPES: readonly Shape[] = [
  { batch: 1, heldTokens: 100, promptTokens: 40, outputTokens: 128 },
  { batch: 1, heldTokens: 40, promptTokens: 40, outputTokens: 1 },
  { batch: 16, heldTokens: 1600, promptTokens: 640, outputTokens: 128 },
  { batch: 1, heldTokens: 900, promptTokens: 900, outputTokens: 1 },
  { batch: 4, heldTokens: 400, promptTokens: 160, outputTokens: 128 },
  { batch: 16, heldTokens: 15_000, promptTokens: 14_000, outputTokens: 128 },
];

function term(max: number): fc.Arbitrary<number> {
  return fc.oneof(fc.constant(0), fc.double({ min: max / 100, max, noNaN: true }));
}

test("a table without noise is found again, terms of zero included", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0.5, max: 50, noNaN: true }),
      term(2),
      term(0.01),
      term(0.5),
      term(50),
      (baseMs, perSequenceMs, perKvTokenMs, perPromptTokenMs, requestMs) => {
        const points = SHAPES.map((shape): SpeedPoint => {
          const { batch, heldTokens, promptTokens, outputTokens } = shape;
          const stepMs = baseMs + perSequenceMs * batch + perKvTokenMs * heldTokens;
          const measuredMs = outputTokens * stepMs + perPromptTokenMs * promptTokens + requestMs;
          return { ...shape, measuredMs };
        });
        const fit = fitSpeed(points);
        expect(fit.speed.baseMs).toBeCloseTo(baseMs, 3);
        expect(fit.speed.perSequenceMs).toBeCloseTo(perSequenceMs, 3);
        expect(fit.speed.perKvTokenMs).toBeCloseTo(perKvTokenMs, 5);
        expect(fit.speed.perPromptTokenMs).toBeCloseTo(perPromptTokenMs, 4);
        for (const [index, { measuredMs }] of points.entries()) {
          expect((fit.fittedMs[index] ?? 0) / measuredMs).toBeCloseTo(1, 4);
        }
      },
    ),
    { seed: 11 },
  );
});

test("no term is below zero, whatever was measured", () => {
  const points = fc.array(
    fc.record({
      measuredMs: fc.double({ min: 0.1, max: 10_000, noNaN: true }),
      batch: fc.integer({ min: 1, max: 64 }),
      heldTokens: fc.integer({ min: 1, max: 100_000 }),
      promptTokens: fc.integer({ min: 1, max: 100_000 }),
      outputTokens: fc.integer({ min: 1, max: 256 }),
    }),
    { minLength: 1, maxLength: 12 },
  );
  fc.assert(
    fc.property(points, (measured) => {
      const { speed, requestMs } = fitSpeed(measured);
      expect(speed.baseMs).toBeGreaterThan(0);
      for (const ms of [...Object.values(speed), requestMs]) expect(ms).toBeGreaterThanOrEqual(0);
    }),
    { seed: 12 },
  );
});
