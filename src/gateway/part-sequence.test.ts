import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { testSeed } from "../../test/seed.ts";
import type { ChatPiece } from "./chat-delta.ts";
import { PartSequence } from "./part-sequence.ts";

function call(index: number | null, id: string | null, more = "", name = "look"): ChatPiece {
  return { kind: "call", index, id, name: id === null ? null : name, arguments: more };
}

const ignore = (): void => {};

function partsOf(...pieces: ChatPiece[]): unknown[] {
  const sequence = new PartSequence({ opened: ignore, grew: ignore, closed: ignore });
  for (const piece of pieces) sequence.add(piece);
  return sequence.parts.map(({ kind, callId, text }) => [kind, callId, text]);
}

describe("pieces become parts", () => {
  test("of their own kind, a refusal counting as text", () => {
    expect(
      partsOf(
        { kind: "reasoning", text: "Hm" },
        { kind: "reasoning", text: "m." },
        { kind: "text", text: "No" },
        { kind: "refusal", text: "." },
        { kind: "reasoning", text: "?" },
      ),
    ).toEqual([
      ["reasoning", null, "Hmm."],
      ["text", null, "No."],
      ["reasoning", null, "?"],
    ]);
  });

  test("one for each call, by its number", () => {
    expect(
      partsOf(call(0, "a"), call(0, null, "{}"), call(1, "b", "{"), call(1, null, "}")),
    ).toEqual([
      ["call", "a", "{}"],
      ["call", "b", "{}"],
    ]);
  });

  test("one for each call, by its id where engines give no number or the same to all", () => {
    for (const index of [null, 0]) {
      expect(
        partsOf(call(index, "a", "{}"), call(index, "b", "{"), call(index, null, "}")),
      ).toEqual([
        ["call", "a", "{}"],
        ["call", "b", "{}"],
      ]);
    }
  });
});

const piece: fc.Arbitrary<ChatPiece> = fc.oneof(
  fc.record({
    kind: fc.constantFrom("text" as const, "reasoning" as const, "refusal" as const),
    text: fc.string({ unit: "grapheme" }),
  }),
  fc
    .tuple(fc.nat(2), fc.constantFrom("a", "b", null), fc.string())
    .map(([index, id, more]) => call(index, id, more)),
);

test("parts open and close one after the other and lose no text, whatever comes", () => {
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const told: string[] = [];
      let text = "";
      const sequence = new PartSequence({
        opened: (_part, index) => told.push(`opened ${index}`),
        grew: (part, index, more) => {
          expect(told.at(-1)).toBe(`opened ${index}`);
          text += more;
          expect(part.text.endsWith(more)).toBe(true);
        },
        closed: (_part, index) => told.push(`closed ${index}`),
      });
      for (const each of pieces) sequence.add(each);
      sequence.close();
      sequence.close();
      expect(told).toEqual(
        sequence.parts.flatMap((_part, index) => [`opened ${index}`, `closed ${index}`]),
      );
      const sent = pieces.map((each) => (each.kind === "call" ? each.arguments : each.text));
      expect(text).toBe(sent.join(""));
      expect(sequence.parts.map((part) => part.text).join("")).toBe(text);
    }),
    { seed: testSeed },
  );
});
