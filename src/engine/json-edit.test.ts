import {
  assert,
  constantFrom,
  dictionary,
  jsonValue,
  option,
  property,
  record,
  string,
} from "fast-check";
import { describe, expect, it } from "vitest";
import { testSeed } from "../../test/seed.ts";
import { editJsonObject, type JsonEdit } from "./json-edit.ts";

function edited(text: string, edits: readonly (readonly [string, JsonEdit])[]): string {
  return editJsonObject(Buffer.from(text), new Map(edits)).toString("utf8");
}

describe("one edit", () => {
  it.each<[string, string, readonly (readonly [string, JsonEdit])[], string]>([
    ["replaces", '{"a":1,"b":2}', [["a", "9"]], '{"a":9,"b":2}'],
    ["adds", '{"a":1}', [["b", '"x"']], '{"a":1,"b":"x"}'],
    ["adds to nothing", " { } ", [["b", "2"]], '{"b":2}'],
    ["removes the first", '{"a":1,"b":2}', [["a", null]], '{"b":2}'],
    ["removes the last", '{"a":1,"b":2}', [["b", null]], '{"a":1}'],
    ["removes the only one", '{"a":1}', [["a", null]], "{}"],
    ["removes what is not there", '{"a":1}', [["b", null]], '{"a":1}'],
    [
      "edits inside",
      '{"o":{"x":1.0,"y":2}}',
      [["o", new Map([["y", "3"]])]],
      '{"o":{"x":1.0,"y":3}}',
    ],
    ["makes an object of null", '{"o":null}', [["o", new Map([["y", "3"]])]], '{"o":{"y":3}}'],
    ["makes a new object", "{}", [["o", new Map([["y", "3"]])]], '{"o":{"y":3}}'],
    ["reaches each duplicate", '{"a":1,"b":0,"a":2}', [["a", "9"]], '{"a":9,"b":0,"a":9}'],
    ["knows an escaped key", '{"\\u0061":1}', [["a", "9"]], '{"\\u0061":9}'],
    ["knows a key in other letters", '{"é":1,"ключ":"ü"}', [["é", null]], '{"ключ":"ü"}'],
    ["drops a byte order mark", '\uFEFF{"a":1}', [["a", "9"]], '{"a":9}'],
    [
      "leaves nested namesakes",
      '{"o":{"a":1},"l":[{"a":1}]}',
      [["a", null]],
      '{"o":{"a":1},"l":[{"a":1}]}',
    ],
    [
      "keeps spellings",
      '{"n":1.50e+2,"big":12345678901234567890,"a":1}',
      [["a", "2"]],
      '{"n":1.50e+2,"big":12345678901234567890,"a":2}',
    ],
    [
      "reads strings with quotes",
      '{"s":"\\\\\\"},{","a":1}',
      [["a", "2"]],
      '{"s":"\\\\\\"},{","a":2}',
    ],
  ])("%s", (_, text, edits, expected) => {
    expect(edited(text, edits)).toBe(expected);
  });

  it.each([
    "",
    "[]",
    "1",
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a":"x',
    '{"a":1 "b":2}',
    "{1:2}",
    '{"a":[1}',
  ])("throws on %j", (text) => {
    expect(() => edited(text, [["a", "1"]])).toThrow(SyntaxError);
  });

  it("a body nested a hundred thousand deep is no problem", () => {
    const depth = 100_000;
    const deep = `{"d":${"[".repeat(depth)}${"]".repeat(depth)},"a":1}`;
    expect(edited(deep, [["a", "2"]])).toBe(deep.replace('"a":1', '"a":2'));
  });
});

it("the result parses to the same value except for the edits", () => {
  const keys = constantFrom("model", "stream", "priority", 'tricky "key\\', "é", "x");
  const spaces = constantFrom(undefined, 1, "\t", " \n ");
  const edits = record(
    { model: option(string()), stream: option(string()), priority: option(string()) },
    { requiredKeys: [] },
  );
  assert(
    property(dictionary(keys, jsonValue()), edits, spaces, (value, changes, space) => {
      const entries = Object.entries(changes).map(
        ([key, text]) => [key, text === null ? null : JSON.stringify(text)] as const,
      );
      const expected = new Map(Object.entries<unknown>(JSON.parse(JSON.stringify(value))));
      for (const [key, text] of Object.entries(changes)) {
        if (text === null) expected.delete(key);
        else expected.set(key, text);
      }
      const result: unknown = JSON.parse(edited(JSON.stringify(value, null, space), entries));
      expect(result).toEqual(Object.fromEntries(expected));
    }),
    { seed: testSeed, numRuns: 500 },
  );
});
