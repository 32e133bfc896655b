import { sortsBefore, type EngineRequest, type Sequence } from "./engine-queue.ts";

/** The running requests of an engine and the memory they hold; every sum is kept, none recomputed. */
export class EngineBatch<R extends EngineRequest> {
  readonly #kvTokens: number;
  /** In order of admission. */
  readonly sequences: Sequence<R>[] = [];
  /** KV tokens: prompts and made tokens. */
  heldTokens = 0;
  /** Prompt tokens that are still to compute. */
  promptLeft = 0;
  /** Sequences without prompt left. */
  decoding = 0;

  constructor(kvTokens: number) {
    this.#kvTokens = kvTokens;
  }

  get size(): number {
    return this.sequences.length;
  }

  /** KV tokens that nobody running holds; negative when one alone holds more than there are. */
  get freeTokens(): number {
    return this.#kvTokens - this.heldTokens;
  }

  /** Whether the sequence could be added, the next tokens of the others included. */
  fits(sequence: Sequence<R>): boolean {
    const need = sequence.request.promptTokens + sequence.madeTokens;
    return need + this.decoding <= this.freeTokens;
  }

  /** Whether more than one runs and their next tokens do not fit. */
  isShort(): boolean {
    return this.size > 1 && this.decoding > this.freeTokens;
  }

  add(sequence: Sequence<R>): void {
    this.promptLeft += sequence.promptLeft;
    this.heldTokens += sequence.request.promptTokens + sequence.madeTokens;
    this.sequences.push(sequence);
  }

  /** Gives back the memory of a sequence that is about to be taken out. */
  release(sequence: Sequence<R>): void {
    this.heldTokens -= sequence.request.promptTokens + sequence.madeTokens;
    if (sequence.promptLeft > 0) this.promptLeft -= sequence.promptLeft;
    else this.decoding--;
    sequence.promptLeft = 0;
    sequence.chunkTokens = 0;
  }

  remove(sequence: Sequence<R>): void {
    this.release(sequence);
    this.sequences.splice(this.sequences.indexOf(sequence), 1);
  }

  /** Takes out, in one pass, those that are over and have been released. */
  drop(isOver: (sequence: Sequence<R>) => boolean): void {
    let kept = 0;
    for (const sequence of this.sequences) {
      if (!isOver(sequence)) this.sequences[kept++] = sequence;
    }
    while (this.sequences.length > kept) this.sequences.pop();
  }

  /** The one that sorts last; there must be one. */
  last(): Sequence<R> {
    return this.sequences.reduce((last, each) => (sortsBefore(last, each) ? each : last));
  }

  /** Divides up to `budget` prompt tokens among those that need them, in order of admission; answers the tokens given out. */
  handOutChunk(budget: number): number {
    if (this.promptLeft === 0) return 0;
    let left = Math.max(0, budget);
    const before = left;
    for (const sequence of this.sequences) {
      if (sequence.promptLeft === 0) continue;
      sequence.chunkTokens = Math.min(sequence.promptLeft, left);
      left -= sequence.chunkTokens;
    }
    return before - left;
  }

  /**
   * Iterations, all of them decoding, until the first sequence is done, a promoted one has been
   * served for `quantum` iterations, or memory is short.
   */
  iterationsAlike(quantum: number): number {
    let count = Number.POSITIVE_INFINITY;
    for (const { request, level, madeTokens, promotedAtTokens } of this.sequences) {
      count = Math.min(count, request.outputTokens - madeTokens);
      if (level < 0) count = Math.min(count, promotedAtTokens + quantum - madeTokens);
    }
    if (this.size === 1) return count;
    return Math.min(count, Math.floor(this.freeTokens / this.size));
  }

  /** Accounts for `count` iterations of one sequence; answers the tokens that it made. */
  advance(sequence: Sequence<R>, count: number): number {
    let made = count;
    if (sequence.promptLeft > 0) {
      sequence.promptLeft -= sequence.chunkTokens;
      this.promptLeft -= sequence.chunkTokens;
      sequence.chunkTokens = 0;
      made = sequence.promptLeft === 0 ? 1 : 0;
      this.decoding += made;
    }
    sequence.madeTokens += made;
    this.heldTokens += made;
    return made;
  }
}
