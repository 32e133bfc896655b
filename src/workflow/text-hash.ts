import { createHash } from "node:crypto";

/** Multipliers of the two lanes: odd, with well spread bits. */
const FIRST_MULTIPLIER = 0x2c1b3c6d;
const SECOND_MULTIPLIER = 0x297a2d39;
const TWO_TO_32 = 0x1_0000_0000;

/** From this length on, in UTF-16 units, the system's own SHA-1 reads a text sooner than we do. */
const LONG_TEXT = 2048;

/**
 * A rolling hash of texts: 53 bits (a safe integer) out of two 32-bit lanes, read at any point while
 * more is added. Fast, not cryptographic: it may tell texts of one client apart, never clients.
 */
export class TextHash {
  #first = 0x3f84d5b5;
  #second = 0x9216d5d9;

  /** Adds one text. Its length goes in first, so that "ab","c" and "a","bc" differ. */
  add(text: string): this {
    let first = mix(this.#first, text.length, FIRST_MULTIPLIER);
    let second = mix(this.#second, text.length, SECOND_MULTIPLIER);
    const read = text.length < LONG_TEXT ? text : createHash("sha1").update(text).digest("base64");
    for (let index = 0; index < read.length; index += 1) {
      const unit = read.charCodeAt(index);
      first = mix(first, unit, FIRST_MULTIPLIER);
      second = mix(second, unit, SECOND_MULTIPLIER);
    }
    this.#first = first;
    this.#second = second;
    return this;
  }

  digest(): number {
    const low = avalanche(this.#first ^ (this.#second >>> 15));
    const high = avalanche(this.#second) & 0x1f_ffff;
    return high * TWO_TO_32 + low;
  }
}

function mix(state: number, unit: number, multiplier: number): number {
  return Math.imul(((state << 13) | (state >>> 19)) ^ unit, multiplier);
}

/** Spreads each bit of a lane over all of them. */
function avalanche(lane: number): number {
  let value = lane;
  value = Math.imul(value ^ (value >>> 16), 0x7feb352d);
  value = Math.imul(value ^ (value >>> 15), 0x846ca68b);
  return (value ^ (value >>> 16)) >>> 0;
}
