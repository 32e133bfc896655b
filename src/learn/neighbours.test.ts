import { describe, expect, test } from "vitest";
import reference from "../../test/reference/classifier.json" with { type: "json" };
import { createNeighbours, findNearest, meanOfNearest } from "./neighbours.ts";

const { embeddings, queries, rows, similarities } = reference.neighbours;
const neighbours = createNeighbours(Float32Array.from(embeddings.flat()), 8);

describe("nearest neighbours", () => {
  test("are those that scikit-learn finds", () => {
    for (const [index, query] of queries.entries()) {
      const nearest = findNearest(neighbours, Float32Array.from(query), 5);
      expect([...nearest.rows]).toEqual(rows[index]);
      for (const [place, similarity] of (similarities[index] ?? []).entries()) {
        expect(nearest.similarities[place]).toBeCloseTo(similarity, 5);
      }
    }
  });

  test("are all of them where more are asked for", () => {
    const nearest = findNearest(neighbours, Float32Array.from(queries[0] ?? []), 100);
    expect(new Set(nearest.rows).size).toBe(60);
    expect([...nearest.similarities]).toEqual([...nearest.similarities].toSorted((a, b) => b - a));
  });

  test("of none are none, and equal ones come by number", () => {
    const none = createNeighbours(new Float32Array(), 2);
    expect(findNearest(none, Float32Array.of(1, 0), 3).rows).toHaveLength(0);
    const twins = createNeighbours(Float32Array.of(0, 0, 1, 0, 2, 0, 3, 0), 2);
    expect([...findNearest(twins, Float32Array.of(5, 0), 4).rows]).toEqual([1, 2, 3, 0]);
  });

  test("average the labels that are known", () => {
    const nearest = { rows: Uint32Array.of(0, 2, 3), similarities: Float64Array.of(1, 1, 1) };
    expect(meanOfNearest(nearest, [1, 9, 0, Number.NaN])).toBe(0.5);
    expect(meanOfNearest(nearest, [Number.NaN, 1, Number.NaN, Number.NaN])).toBeNull();
  });

  test("need queries of their own dimensions", () => {
    expect(() => findNearest(neighbours, new Float32Array(7), 1)).toThrow("dimensions");
  });
});
