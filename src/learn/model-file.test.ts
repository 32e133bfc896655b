import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { checksum } from "./checksum.ts";
import { decodeModelFile, encodeModelFile, type ModelFile, type Section } from "./model-file.ts";

const MODEL: ModelFile = {
  kind: "length",
  schema: 3,
  features: [
    { name: "tokens", categories: null },
    { name: "kind", categories: 7 },
  ],
  facts: { rows: 12, seed: 5, scores: { kendall: 0.25 }, note: "größer" },
  sections: {
    bytes: Uint8Array.of(1, 2, 3),
    shorts: Uint16Array.of(1, 65_535),
    words: Uint32Array.of(4_294_967_295),
    reals: Float32Array.of(0.5, Number.NaN, Infinity),
    none: new Uint32Array(),
    doubles: Float64Array.of(Math.PI, -0),
  },
};

const BYTES = encodeModelFile(MODEL);

function faultOf(bytes: Uint8Array): string {
  const decoded = decodeModelFile(bytes);
  return decoded.ok ? "none" : decoded.fault.code;
}

/** Repairs the checksum, so that only a structural check can refuse the bytes. */
function sealed(bytes: Uint8Array): Uint8Array {
  new DataView(bytes.buffer).setUint32(12, checksum(bytes.subarray(16)), true);
  return bytes;
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

describe("the checksum", () => {
  test("is CRC-32", () => {
    expect(checksum(encode("123456789"))).toBe(0xcbf43926);
    expect(checksum(encode(""))).toBe(0);
    expect(checksum(encode("The quick brown fox jumps over the lazy dog"))).toBe(0x414fa339);
  });

  test("equals the bitwise definition", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        let crc = 0xffffffff;
        for (const byte of bytes) {
          crc ^= byte;
          for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
        }
        expect(checksum(bytes)).toBe((crc ^ 0xffffffff) >>> 0);
      }),
    );
  });
});

describe("a model file", () => {
  test("gives back what was written", () => {
    expect(decodeModelFile(BYTES)).toEqual({ ok: true, value: MODEL });
  });

  test("gives back any sections, wherever the bytes lie", () => {
    const section: fc.Arbitrary<Section> = fc.oneof(
      fc.uint8Array(),
      fc.uint16Array(),
      fc.uint32Array(),
      fc.float32Array(),
      fc.float64Array(),
    );
    const sections = fc.dictionary(fc.stringMatching(/^[a-z/]+$/), section, { maxKeys: 5 });
    fc.assert(
      fc.property(sections, fc.integer({ min: 0, max: 9 }), (made, shift) => {
        const model = { ...MODEL, sections: { ...made } };
        const bytes = encodeModelFile(model);
        const moved = new Uint8Array(bytes.length + shift).subarray(shift);
        moved.set(bytes);
        const decoded = decodeModelFile(moved);
        expect(decoded.ok && { ...decoded.value.sections }).toEqual(model.sections);
      }),
    );
  });

  test("is read without copying", () => {
    const decoded = decodeModelFile(BYTES);
    expect(decoded.ok && decoded.value.sections["doubles"]?.buffer).toBe(BYTES.buffer);
  });

  test("always has the same bytes: a change of the format needs a new version", () => {
    expect(encodeModelFile(MODEL)).toEqual(BYTES);
    expect(BYTES.length).toBe(592);
    expect(checksum(BYTES).toString(16)).toBe("a6ad7860");
  });
});

describe("bytes that are no model are refused with a reason", () => {
  test("another file, another version", () => {
    expect(faultOf(new Uint8Array())).toBe("not-a-model");
    expect(faultOf(encode('{"kind":"length"}'))).toBe("not-a-model");
    const other = BYTES.slice();
    other[8] = 2;
    const decoded = decodeModelFile(other);
    expect(decoded.ok || decoded.fault).toEqual({
      code: "other-version",
      message: "the file has version 2, this program reads 1",
    });
  });

  test("cut short at any place", () => {
    for (let length = 0; length < BYTES.length; length++) {
      expect(faultOf(BYTES.slice(0, length))).toBe(length < 8 ? "not-a-model" : "damaged");
    }
    expect(faultOf(Uint8Array.from([...BYTES, 0]))).toBe("damaged");
  });

  test("with any bit changed", () => {
    for (let place = 0; place < BYTES.length; place++) {
      for (const bit of [1, 128]) {
        const changed = BYTES.slice();
        changed[place] = (changed[place] ?? 0) ^ bit;
        const expected = place < 8 ? "not-a-model" : place < 12 ? "other-version" : "damaged";
        expect(faultOf(changed)).toBe(expected);
      }
    }
  });

  test("whole by their checksum, but with a header that lies", () => {
    const text = new TextDecoder("latin1").decode(BYTES);
    const swap = (from: string, to: string): Uint8Array => {
      const bytes = BYTES.slice();
      bytes.set(encode(to), text.lastIndexOf(from));
      return sealed(bytes);
    };
    expect(faultOf(swap('"length":2', '"length":9'))).toBe("damaged");
    expect(faultOf(swap('"length":0', '"length":-'))).toBe("damaged");
    expect(faultOf(swap('"type":"u16"', '"type":"u61"'))).toBe("damaged");
    expect(faultOf(swap('"start":8', '"start":9'))).toBe("damaged");
    expect(faultOf(swap('"kind":"length"', '"kind":[12345]'))).toBe("damaged");
    const long = BYTES.slice();
    new DataView(long.buffer).setUint32(20, 0x7fffffff, true);
    expect(faultOf(sealed(long))).toBe("damaged");
  });
});
