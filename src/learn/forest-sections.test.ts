import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createRandom } from "../core/random.ts";
import { createForestReader } from "./forest-reader.ts";
import { forestFromSections, forestSections } from "./forest-sections.ts";
import { fitForest } from "./forest.ts";
import { decodeModelFile, encodeModelFile, type Sections } from "./model-file.ts";
import { createTable, type Feature } from "./table.ts";

const FEATURES: Feature[] = [
  { name: "number", categories: null },
  { name: "kind", categories: 40 },
];
const random = createRandom(2);
const kinds = Float32Array.from({ length: 80 }, () => Math.floor(random.next() * 40));
const numbers = Float32Array.from({ length: 80 }, () => random.next());
const forest = fitForest(
  {
    table: createTable(FEATURES, [numbers, kinds]),
    target: Float64Array.from(numbers, (value, row) => Math.round(value * 9 + (kinds[row] ?? 0))),
  },
  {
    treeCount: 4,
    seed: 1,
    splits: "exact",
    bootstrap: true,
    featuresPerSplit: 1,
    leafMin: 2,
    splitMin: 2,
    depthMax: Infinity,
  },
);
const sections = forestSections(forest);

describe("a forest", () => {
  test("predicts the same after it was written and read", () => {
    const bytes = encodeModelFile({
      kind: "t",
      schema: 1,
      features: FEATURES,
      facts: {},
      sections,
    });
    const decoded = decodeModelFile(bytes);
    if (!decoded.ok) throw new Error(decoded.fault.message);
    const read = forestFromSections(decoded.value.sections, decoded.value.features);
    expect(read).toEqual({ ok: true, value: forest });
  });

  test("with other features or missing sections is unfit", () => {
    const faultOf = (changed: Sections, features = FEATURES): string => {
      const read = forestFromSections(changed, features);
      return read.ok ? "none" : read.fault.code;
    };
    expect(faultOf({})).toBe("unfit");
    expect(faultOf(sections, FEATURES.slice(0, 1))).toBe("unfit");
    expect(faultOf(sections, FEATURES.toReversed())).toBe("unfit");
    expect(faultOf({ ...sections, targets: Float64Array.of(2, 1) })).toBe("unfit");
    expect(faultOf({ ...sections, treeNodes: Uint32Array.of(0, 3) })).toBe("unfit");
  });

  test("that was changed anywhere is refused, or still answers within its targets", () => {
    const names = ["nodes", "samples", "treeNodes", "treeSamples"] as const;
    const change = fc.tuple(
      fc.constantFrom(...names),
      fc.nat(),
      fc.oneof(fc.nat({ max: 40 }), fc.integer({ min: 0, max: 0xffffffff })),
    );
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 3 }), fc.float(), (changes, x) => {
        const copy: Record<string, Sections[string]> = { ...sections };
        for (const [name, place, value] of changes) {
          const section = sections[name]?.slice() ?? new Uint32Array();
          section[place % section.length] = value;
          copy[name] = section;
        }
        const read = forestFromSections(copy, FEATURES);
        if (!read.ok) return;
        const reader = createForestReader(read.value);
        const into = new Float64Array(1);
        for (const kind of [0, 17, 39, 41, Number.NaN]) {
          reader.quantiles(Float32Array.of(x, kind), [0.5], into);
          expect(forest.targets).toContain(into[0]);
        }
      }),
      { numRuns: 500 },
    );
  });
});
