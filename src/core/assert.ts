/** An invariant of the core is broken: a bug, never an input. */
export class InvariantBroken extends Error {
  override readonly name = "InvariantBroken";
}

/** Holds in production too: cheap conditions only. */
export function assert(condition: boolean, claim: string): asserts condition {
  if (!condition) throw new InvariantBroken(claim);
}
