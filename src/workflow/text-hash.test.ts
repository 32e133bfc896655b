import { describe, expect, it } from "vitest";
import { TextHash } from "./text-hash.ts";

function digestOf(...texts: string[]): number {
  const hash = new TextHash();
  for (const text of texts) hash.add(text);
  return hash.digest();
}

describe("TextHash", () => {
  it("tells where one text ends and the next begins", () => {
    const digests = [["ab", "c"], ["a", "bc"], ["abc"], ["abc", ""], []].map((texts) =>
      digestOf(...texts),
    );
    expect(new Set(digests).size).toBe(digests.length);
  });

  it("may be read between two texts", () => {
    const hash = new TextHash().add("a");
    expect(hash.digest()).toBe(digestOf("a"));
    expect(hash.add("b").digest()).toBe(digestOf("a", "b"));
  });

  it("sees each unit of a long text", () => {
    const long = "word ".repeat(2000);
    const digests = [0, 4000, 9_999].map((at) =>
      digestOf(`${long.slice(0, at)}x${long.slice(at + 1)}`),
    );
    expect(new Set([...digests, digestOf(long)]).size).toBe(4);
    expect(digestOf(long)).toBe(digestOf(long));
  });

  it("gives safe integers that differ for a hundred thousand texts and spread over their range", () => {
    const digests = Array.from({ length: 100_000 }, (_, index) => digestOf(`text ${index}`));
    expect(new Set(digests).size).toBe(digests.length);
    expect(digests.every((digest) => Number.isSafeInteger(digest) && digest >= 0)).toBe(true);
    for (const bits of [0, 8, 31, 45]) {
      const odd = digests.filter((digest) => Math.floor(digest / 2 ** bits) % 2 === 1).length;
      expect(Math.abs(odd / digests.length - 0.5)).toBeLessThan(0.01);
    }
  });
});
