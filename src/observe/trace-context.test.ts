import { expect, test } from "vitest";
import { formatTraceparent, parseTraceparent } from "./trace-context.ts";

const GOOD = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

test("a place is read and written again", () => {
  const place = parseTraceparent(GOOD);
  expect(place).not.toBeNull();
  expect(place === null ? "" : formatTraceparent(place)).toBe(GOOD);
});

test("a later version may hold more", () => {
  expect(parseTraceparent(`cc${GOOD.slice(2)}-more`)).toEqual(parseTraceparent(GOOD));
});

test.each([
  undefined,
  "",
  "nonsense",
  `ff${GOOD.slice(2)}`,
  `${GOOD}-more`,
  GOOD.toUpperCase(),
  GOOD.replace("0af7651916cd43dd8448eb211c80319c", "0".repeat(32)),
  GOOD.replace("b7ad6b7169203331", "0".repeat(16)),
])("%s is none", (text) => expect(parseTraceparent(text)).toBeNull());
