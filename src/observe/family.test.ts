import { expect, it } from "vitest";

import { Families } from "./family.ts";

it("a family shows each of its label values, in the order in which they came", () => {
  const families = new Families();
  const counter = families.counter({ name: "c_total", help: "Some.", labels: ["a", "b"] });
  counter.of("x", "1").add();
  counter.of("y", "1").add(2.5);
  counter.of("x", "1").add();
  expect(families.text()).toBe(
    '# HELP c_total Some.\n# TYPE c_total counter\nc_total{a="x",b="1"} 2\nc_total{a="y",b="1"} 2.5\n',
  );
});

it("a family without labels is there from the start, and one with labels is empty after a reset", () => {
  const families = new Families();
  families.gauge({ name: "one", help: "h", labels: [] });
  const other = families.gauge({ name: "two", help: "h", labels: ["a"] });
  other.of("x").set(1);
  other.reset();
  const lines = families.text().split("\n");
  expect(lines).toContain("one 0");
  expect(lines.filter((line) => line.startsWith("two"))).toEqual([]);
});

it("a bucket holds what is no larger than its limit, and all smaller ones", () => {
  const families = new Families();
  const times = families.histogram({ name: "t", help: "h", labels: ["m"] }, [0.1, 1]);
  for (const value of [0.1, 0.5, 1, 7]) times.of("x").observe(value);
  expect(families.text().split("\n").slice(2)).toEqual([
    't_bucket{le="0.1",m="x"} 1',
    't_bucket{le="1",m="x"} 3',
    't_bucket{le="+Inf",m="x"} 4',
    't_sum{m="x"} 8.6',
    't_count{m="x"} 4',
    "",
  ]);
});

it("what a label's value holds cannot break out of its quotes", () => {
  const families = new Families();
  families
    .counter({ name: "c", help: "h", labels: ["a"] })
    .of('q"\\\n')
    .add();
  expect(families.text()).toContain('c{a="q\\"\\\\\\n"} 1\n');
});
