import { expect, test } from "vitest";
import { distanceInside } from "./length-training-scores.ts";

test("distance inside groups leaves pairs across groups out and weighs groups alike", () => {
  const groups = ["a", "a", "b", "b", "b"];
  expect(distanceInside([1, 2, 1, 2, 3], [10, 20, 3, 2, 1], groups)).toBe(0.5);
  expect(distanceInside([1, 1], [1, 2], ["a", "a"])).toBeNull();
});
