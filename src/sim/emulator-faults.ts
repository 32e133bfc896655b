import { createRandom, type Random } from "../core/random.ts";
import { fieldOf, objectOf } from "../workflow/json.ts";

export const FAULT_KINDS = [
  /** 500 before anything is done. */
  "error500",
  /** The answer of a full queue. */
  "full503",
  /** The connection is reset. */
  "reset",
  /** Nothing more comes and the connection stays open; the request keeps its place to its end. */
  "stall",
  /** The answer ends without a finish reason. */
  "truncate",
  /** Nothing comes, headers included, for `delayMs`; then all is well. */
  "slowHeaders",
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

/** How an engine fails. */
export interface FaultSetting {
  readonly kind: FaultKind;
  /** Share of requests that fail, 0..1. */
  readonly rate: number;
  /** reset, stall, truncate: tokens that come before it; at least the last one never comes. */
  readonly afterTokens: number;
  /** slowHeaders: virtual ms. */
  readonly delayMs: number;
}

export const NO_FAULTS: FaultSetting = {
  kind: "error500",
  rate: 0,
  afterTokens: 1,
  delayMs: 30_000,
};

/** Which requests fail: one draw each, from a seed. The setting may change at any time. */
export class Faults {
  setting: FaultSetting;
  readonly #random: Random;

  constructor(setting: Partial<FaultSetting>, seed: number) {
    this.setting = { ...NO_FAULTS, ...setting };
    this.#random = createRandom(seed);
  }

  /** The failure of the next request, null when it goes well. */
  draw(): FaultSetting | null {
    return this.#random.next() < this.setting.rate ? this.setting : null;
  }
}

/** Reads a setting as JSON text; fields that are left out are those of `NO_FAULTS`. A string says what is wrong. */
export function parseFaultSetting(text: string): FaultSetting | string {
  const value = objectOf(text, SETTING_CHARACTERS_MAX);
  if (value === null) return "a fault setting is a JSON object";
  const kind = FAULT_KINDS.find((kind) => kind === (fieldOf(value, "kind") ?? NO_FAULTS.kind));
  if (kind === undefined) return `kind must be one of ${FAULT_KINDS.join(", ")}`;
  const rate = fieldOf(value, "rate") ?? NO_FAULTS.rate;
  if (!isNumber(rate, 1)) return "rate must be a number from 0 to 1";
  const afterTokens = fieldOf(value, "afterTokens") ?? NO_FAULTS.afterTokens;
  if (!isNumber(afterTokens, COUNT_MAX)) return "afterTokens must not be negative";
  const delayMs = fieldOf(value, "delayMs") ?? NO_FAULTS.delayMs;
  if (!isNumber(delayMs, COUNT_MAX)) return "delayMs must not be negative";
  return { kind, rate, afterTokens: Math.floor(afterTokens), delayMs };
}

const SETTING_CHARACTERS_MAX = 10_000;
const COUNT_MAX = 1e9;

function isNumber(value: unknown, max: number): value is number {
  return typeof value === "number" && value >= 0 && value <= max;
}
