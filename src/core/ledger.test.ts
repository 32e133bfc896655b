import fc from "fast-check";
import { expect, test } from "vitest";
import { testSeed } from "../../test/seed.ts";
import { closeLine, openLine, toBookedTokens, type Account, type Line } from "./ledger.ts";

test("whatever is booked in whatever order ends at exactly zero", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { maxLength: 100 }),
      (lengths) => {
        const account: Account = { inFlightTokens: 0, inFlightRequests: 0 };
        const lines = lengths.map((): Line => ({ account: null, bookedTokens: 0 }));
        lines.forEach((line, index) => openLine(line, account, lengths[index] ?? 0));
        const sum = lines.reduceRight((total, line) => total + line.bookedTokens, 0);
        expect(account).toEqual({ inFlightTokens: sum, inFlightRequests: lines.length });
        for (const line of lines.sort((a, b) => a.bookedTokens - b.bookedTokens)) closeLine(line);
        expect(account).toEqual({ inFlightTokens: 0, inFlightRequests: 0 });
      },
    ),
    { seed: testSeed },
  );
});

test("a line is booked once, and closed as often as one likes", () => {
  const account: Account = { inFlightTokens: 0, inFlightRequests: 0 };
  const line: Line = { account: null, bookedTokens: 0 };
  openLine(line, account, 7);
  expect(() => openLine(line, account, 7)).toThrow("one account at a time");
  closeLine(line);
  closeLine(line);
  expect(account.inFlightTokens).toBe(0);
});

test.each([
  [Number.NaN, 0],
  [-5, 0],
  [Number.POSITIVE_INFINITY, 2 ** 22],
  [0.3, 307 / 1024],
])("books %d as %d", (tokens, booked) => {
  expect(toBookedTokens(tokens)).toBe(booked);
});
