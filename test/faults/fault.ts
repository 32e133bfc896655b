import type { Random } from "../../src/core/random.ts";

/** What happens to one exchange on the wire. Positions count the bytes of the answer, its head included. */
export type Fault =
  | { readonly kind: "none" }
  /** The answer comes `delayMs` late. */
  | { readonly kind: "delay"; readonly delayMs: number }
  /** The answer comes `sliceBytes` at a time, one slice a millisecond. */
  | { readonly kind: "drip"; readonly sliceBytes: number }
  /** The connection is reset. */
  | { readonly kind: "reset"; readonly atByte: number }
  /** The connection is closed politely. */
  | { readonly kind: "truncate"; readonly atByte: number }
  /** Nothing more comes and the connection stays open. */
  | { readonly kind: "stall"; readonly atByte: number }
  /** The rest is noise. */
  | { readonly kind: "garbage"; readonly atByte: number }
  /** One byte is another one. */
  | { readonly kind: "corrupt"; readonly atByte: number; readonly xor: number }
  /** The request is swallowed: its peer is gone and nobody says so. */
  | { readonly kind: "half-open" }
  /** Another answer than the engine's. */
  | { readonly kind: "status"; readonly status: number; readonly body: string };

export type FaultKind = Fault["kind"];

/** Decides what happens to an exchange, by the method of its request. */
export type FaultPlan = (method: "GET" | "POST") => Fault;

export const NO_FAULTS: FaultPlan = () => ({ kind: "none" });

const DELAY_MS_MAX = 60;
const SLICE_BYTES_MAX = 200;
/** About where a streamed answer of some tens of tokens ends. */
const BYTES_MAX = 6_000;
/** About where the head of an answer ends. */
const HEAD_BYTES = 250;

const STATUSES: readonly number[] = [
  204, 302, 400, 401, 403, 404, 408, 422, 429, 500, 501, 502, 503, 504, 599,
];
const BODIES: readonly string[] = [
  "",
  "not json",
  '{"detail":"no"}',
  '{"error":{"message":"no","type":"t","param":null,"code":null}}',
  "<html><body>Bad Gateway</body></html>",
];

/** Draws faults: a share `rate` of generating requests, half as often for the others. */
export function drawnFaults(random: Random, rate: number): FaultPlan {
  return (method) => {
    const isHit = random.next() < (method === "POST" ? rate : rate / 2);
    return isHit ? drawFault(random) : { kind: "none" };
  };
}

function drawFault(random: Random): Fault {
  const below = (bound: number): number => Math.floor(random.next() * bound);
  // Half of the breaks are near the head, where most of the states are.
  const atByte = (): number => below(random.next() < 0.5 ? HEAD_BYTES : BYTES_MAX);
  const draws: readonly (() => Fault)[] = [
    () => ({ kind: "delay", delayMs: below(DELAY_MS_MAX) }),
    () => ({ kind: "drip", sliceBytes: 1 + below(SLICE_BYTES_MAX) }),
    () => ({ kind: "reset", atByte: atByte() }),
    () => ({ kind: "truncate", atByte: atByte() }),
    () => ({ kind: "stall", atByte: atByte() }),
    () => ({ kind: "garbage", atByte: atByte() }),
    () => ({ kind: "corrupt", atByte: atByte(), xor: 1 + below(255) }),
    () => ({ kind: "half-open" }),
    () => ({ kind: "status", status: pick(STATUSES, random), body: pick(BODIES, random) }),
  ];
  return pick(draws, random)();
}

/** One of the list, which is not empty. */
export function pick<T>(list: readonly T[], random: Random): T {
  const found = list[Math.floor(random.next() * list.length)];
  if (found === undefined) throw new RangeError("nothing to pick from");
  return found;
}
