import { expect, test } from "vitest";
import { WholeReader } from "./whole-reader.ts";

function read(...chunks: string[]): WholeReader {
  const reader = new WholeReader();
  for (const chunk of chunks) expect(reader.push(Buffer.from(chunk))).toBeNull();
  return reader;
}

test("an answer is passed on at its end, as it came, and counts as one token", () => {
  const reader = read('{"data": [1.0,', ' "ž"]}\n');
  expect(reader.tokens).toBe(0);
  expect(reader.finish()).toEqual({ good: true, rest: Buffer.from('{"data": [1.0, "ž"]}\n') });
  expect(reader.tokens).toBe(1);
});

test.each(["", '{"data": [', "Internal Server Error"])("%j is no answer", (text) => {
  const reader = read(text);
  expect(reader.finish()).toMatchObject({ good: false, reason: "truncated-event" });
  expect(reader.tokens).toBe(0);
});
