import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { testSeed } from "../../test/seed.ts";
import { EngineModel, type EngineModelPolicy, type EngineModelSpec } from "./engine-model.ts";
import type { EngineRequest, Sequence } from "./engine-queue.ts";
import { endOfIteration, iterationAt } from "./iterations.ts";

/** What reaches an engine, in order of time. */
type Input =
  | { readonly atMs: number; readonly request: EngineRequest }
  | { readonly atMs: number; readonly cancels: string };

interface Course {
  readonly startedMs: number | null;
  readonly firstTokenMs: number | null;
  readonly endedMs: number | null;
  readonly preemptions: number;
}

interface Outcome {
  /** Of those that were started, by number of creation. */
  readonly courses: ReadonlyMap<number, Course>;
  readonly promptTokensComputed: number;
  readonly outputTokensMade: number;
  readonly cachedTokensUsed: number;
  readonly preemptions: number;
  /** Token by token: request, time. Only where every iteration is visible. */
  readonly tokens: readonly (readonly [number, number])[];
}

interface Case {
  readonly spec: EngineModelSpec;
  readonly policy: Omit<EngineModelPolicy, "tokenEvents">;
  readonly inputs: readonly Input[];
}

function runModel({ spec, policy, inputs }: Case, tokenEvents: boolean): Outcome {
  const model = new EngineModel(spec, { ...policy, tokenEvents });
  const sequences = new Map<number, Sequence<EngineRequest>>();
  const endedMs = new Map<number, number>();
  const tokens: [number, number][] = [];
  const left = [...inputs];
  for (;;) {
    const nowMs = Math.min(model.nextEventMs(), left[0]?.atMs ?? Number.POSITIVE_INFINITY);
    if (nowMs === Number.POSITIVE_INFINITY) break;
    const events = [...model.finish(nowMs)];
    while (left[0] !== undefined && left[0].atMs === nowMs) {
      const input = left.shift();
      if (input === undefined) break;
      if ("request" in input) model.enqueue(input.request, nowMs);
      else model.cancel(input.cancels, nowMs);
    }
    events.push(...model.begin(nowMs));
    for (const { type, sequence } of events) {
      const { created } = sequence.request;
      sequences.set(created, sequence);
      if (type === "ended") endedMs.set(created, nowMs);
      if (type === "token") tokens.push([created, nowMs]);
    }
  }
  expect([model.running, model.waiting, model.heldTokens]).toEqual([0, 0, 0]);
  expect(model.keptTokens).toBeLessThanOrEqual(spec.kvTokens + 60);
  const courses = new Map<number, Course>();
  for (const [created, { startedMs, firstTokenMs, preemptions }] of sequences) {
    courses.set(created, {
      startedMs,
      firstTokenMs,
      endedMs: endedMs.get(created) ?? null,
      preemptions,
    });
  }
  const { promptTokensComputed, outputTokensMade, cachedTokensUsed, preemptions } = model;
  return {
    courses,
    promptTokensComputed,
    outputTokensMade,
    cachedTokensUsed,
    preemptions,
    tokens,
  };
}

interface Job {
  readonly request: EngineRequest;
  level: number;
  /** Tokens made since it was promoted. */
  servedTokens: number;
  made: number;
  promptLeft: number;
  joinedAt: number;
  cancelled: boolean;
  startedMs: number | null;
  firstTokenMs: number | null;
  endedMs: number | null;
  preemptions: number;
}

/** The same rules one iteration at a time, with lists that are sorted and summed whenever a number is needed. */
class Reference {
  readonly spec: EngineModelSpec;
  readonly policy: Omit<EngineModelPolicy, "tokenEvents">;
  waiting: Job[] = [];
  running: Job[] = [];
  readonly jobs: Job[] = [];
  kept: { readonly workflowId: string; readonly tokens: number }[] = [];
  begun = 0;
  /** Prompt tokens of the iteration under way. */
  chunks = new Map<Job, number>();
  endMs: number | null = null;
  promptTokensComputed = 0;
  outputTokensMade = 0;
  cachedTokensUsed = 0;
  tokens: [number, number][] = [];

  constructor(spec: EngineModelSpec, policy: Omit<EngineModelPolicy, "tokenEvents">) {
    this.spec = spec;
    this.policy = policy;
  }

  arrive(request: EngineRequest): void {
    const job: Job = {
      request,
      level: 0,
      servedTokens: 0,
      made: 0,
      promptLeft: 0,
      joinedAt: this.begun,
      cancelled: false,
      startedMs: null,
      firstTokenMs: null,
      endedMs: null,
      preemptions: 0,
    };
    this.jobs.push(job);
    this.waiting.push(job);
  }

  cancel(id: string): void {
    this.waiting = this.waiting.filter((job) => job.request.id !== id);
    for (const job of this.running) if (job.request.id === id) job.cancelled = true;
    if (this.endMs === null) this.running = this.running.filter((job) => !job.cancelled);
  }

  finish(nowMs: number): void {
    this.endMs = null;
    for (const job of this.running) {
      const chunk = this.chunks.get(job) ?? 0;
      this.promptTokensComputed += chunk;
      job.promptLeft -= chunk;
      if (job.promptLeft > 0) continue;
      job.made++;
      job.servedTokens++;
      this.outputTokensMade++;
      job.firstTokenMs ??= nowMs;
      if (job.level === -1 && job.servedTokens >= this.policy.starvationQuantum) job.level = 0;
      if (!job.cancelled) this.tokens.push([job.request.created, nowMs]);
    }
    for (const job of this.running) {
      if (job.cancelled || job.made < job.request.outputTokens) continue;
      job.endedMs = nowMs;
      const { workflowId, promptTokens } = job.request;
      if (!this.spec.prefixCache || workflowId === null) continue;
      this.kept = this.kept.filter((entry) => entry.workflowId !== workflowId);
      this.kept.push({ workflowId, tokens: promptTokens + job.made });
    }
    this.running = this.running.filter((job) => !job.cancelled && job.endedMs === null);
  }

  decide(nowMs: number): void {
    if (this.waiting.length + this.running.length === 0) return;
    this.dropKept();
    this.promote();
    if (this.policy.preemption === "recompute") this.preemptByOrder(nowMs);
    while (this.running.length > 1 && this.held() + this.decoding() > this.spec.kvTokens) {
      this.preempt(sorted(this.running).at(-1));
    }
    this.admit(nowMs);
    this.endMs = nowMs + this.beginIteration();
  }

  held(): number {
    return sum(this.running.map((job) => job.request.promptTokens + job.made));
  }

  decoding(): number {
    return this.running.filter((job) => job.promptLeft === 0).length;
  }

  fits({ request, made }: Job): boolean {
    return this.held() + request.promptTokens + made + this.decoding() <= this.spec.kvTokens;
  }

  dropKept(): void {
    while (
      this.kept.length > 0 &&
      this.held() + sum(this.kept.map((entry) => entry.tokens)) > this.spec.kvTokens
    ) {
      this.kept.shift();
    }
  }

  promote(): void {
    const threshold = this.policy.starvationThreshold;
    if (threshold === 0) return;
    for (const job of this.waiting) {
      if (job.level !== 0 || this.begun - job.joinedAt < threshold) continue;
      job.level = -1;
      job.servedTokens = 0;
    }
  }

  preemptByOrder(nowMs: number): void {
    for (;;) {
      const first = sorted(this.waiting)[0];
      const last = sorted(this.running).at(-1);
      if (first === undefined || last === undefined) return;
      if (this.running.length < this.spec.maxSequences && this.fits(first)) return;
      if (sorted([first, last])[0] === last) return;
      this.preempt(last);
      this.start(first, nowMs);
    }
  }

  preempt(job: Job | undefined): void {
    if (job === undefined) return;
    this.running = this.running.filter((other) => other !== job);
    job.promptLeft = 0;
    job.preemptions++;
    job.joinedAt = this.begun;
    this.waiting.push(job);
  }

  admit(nowMs: number): void {
    for (;;) {
      const first = sorted(this.waiting)[0];
      if (first === undefined || this.running.length >= this.spec.maxSequences) return;
      const promptLeft = sum(this.running.map((job) => job.promptLeft));
      if (promptLeft >= this.spec.chunkTokens - this.decoding()) return;
      if (this.running.length > 0 && !this.fits(first)) return;
      this.start(first, nowMs);
    }
  }

  start(job: Job, nowMs: number): void {
    const { workflowId, promptTokens } = job.request;
    this.waiting = this.waiting.filter((other) => other !== job);
    job.promptLeft = promptTokens + job.made;
    if (job.startedMs === null) {
      job.startedMs = nowMs;
      const found = this.kept.find((entry) => entry.workflowId === workflowId);
      this.kept = this.kept.filter((entry) => entry !== found);
      const cached = Math.min(found?.tokens ?? 0, promptTokens - 1);
      job.promptLeft -= cached;
      this.cachedTokensUsed += cached;
    }
    this.running.push(job);
    this.dropKept();
  }

  /** How long it lasts. */
  beginIteration(): number {
    const { baseMs, perSequenceMs, perKvTokenMs, perPromptTokenMs } = this.spec;
    this.begun++;
    this.chunks = new Map();
    let budget = Math.max(0, this.spec.chunkTokens - this.decoding());
    for (const job of this.running) {
      const chunk = Math.min(job.promptLeft, budget);
      budget -= chunk;
      this.chunks.set(job, chunk);
    }
    const prompt = sum([...this.chunks.values()]);
    return (
      baseMs +
      perSequenceMs * this.decoding() +
      perKvTokenMs * this.held() +
      perPromptTokenMs * prompt
    );
  }
}

function sorted(jobs: readonly Job[]): Job[] {
  return jobs.toSorted(
    (a, b) =>
      a.level - b.level ||
      a.request.priority - b.request.priority ||
      a.request.readyMs - b.request.readyMs ||
      a.request.created - b.request.created,
  );
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function runReference({ spec, policy, inputs }: Case): Outcome {
  const reference = new Reference(spec, policy);
  const left = [...inputs];
  while (left.length > 0 || reference.endMs !== null) {
    const endMs = reference.endMs ?? Number.POSITIVE_INFINITY;
    const nowMs = Math.min(endMs, left[0]?.atMs ?? Number.POSITIVE_INFINITY);
    if (endMs === nowMs) reference.finish(nowMs);
    for (const input of left.filter(({ atMs }) => atMs === nowMs)) {
      left.shift();
      if ("request" in input) reference.arrive(input.request);
      else reference.cancel(input.cancels);
    }
    if (reference.endMs === null) reference.decide(nowMs);
  }
  const started = reference.jobs.filter((job) => job.startedMs !== null);
  return {
    courses: new Map(
      started.map(({ request, startedMs, firstTokenMs, endedMs, preemptions }) => [
        request.created,
        { startedMs, firstTokenMs, endedMs, preemptions },
      ]),
    ),
    promptTokensComputed: reference.promptTokensComputed,
    outputTokensMade: reference.outputTokensMade,
    cachedTokensUsed: reference.cachedTokensUsed,
    preemptions: sum(reference.jobs.map((job) => job.preemptions)),
    tokens: reference.tokens,
  };
}

/** Parts of a power of two: every time comes out exact. */
const eighths = (max: number): fc.Arbitrary<number> =>
  fc.integer({ min: 0, max: max * 8 }).map((number) => number / 8);

const spec: fc.Arbitrary<EngineModelSpec> = fc.record({
  maxSequences: fc.integer({ min: 1, max: 5 }),
  kvTokens: fc.oneof(fc.integer({ min: 4, max: 60 }), fc.constant(1_000)),
  chunkTokens: fc.oneof(fc.integer({ min: 1, max: 24 }), fc.constant(512)),
  baseMs: eighths(4).map((ms) => ms + 1),
  perSequenceMs: eighths(1),
  perKvTokenMs: eighths(1).map((ms) => ms / 8),
  perPromptTokenMs: eighths(1),
  prefixCache: fc.boolean(),
});

const policy: fc.Arbitrary<Case["policy"]> = fc.record({
  preemption: fc.constantFrom("none", "recompute"),
  starvationThreshold: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 4 }), fc.nat(15)),
  starvationQuantum: fc.integer({ min: 1, max: 6 }),
});

const arrival = fc.record({
  // Whole numbers meet the ends of iterations often.
  atMs: fc.oneof(fc.nat(40), eighths(80), eighths(400)),
  workflowId: fc.constantFrom(null, "u", "u", "v", "w"),
  promptTokens: fc.integer({ min: 1, max: 30 }),
  outputTokens: fc.integer({ min: 1, max: 30 }),
  priority: fc.nat(3),
  waitedMs: fc.nat(3),
  cancelledAfterMs: fc.option(eighths(60), { freq: 3 }),
  /** Whether its id comes again as soon as it was cancelled. */
  sentAgain: fc.boolean(),
});

const inputs: fc.Arbitrary<Input[]> = fc
  .array(arrival, { minLength: 1, maxLength: 16 })
  .map((arrivals) =>
    arrivals
      .flatMap(({ atMs, waitedMs, cancelledAfterMs, sentAgain, ...rest }, index): Input[] => {
        const id = `r${index}`;
        const request = { ...rest, id, created: 2 * index, readyMs: atMs - waitedMs };
        if (cancelledAfterMs === null) return [{ atMs, request }];
        const againMs = atMs + cancelledAfterMs;
        const again = { ...request, created: 2 * index + 1, readyMs: againMs };
        // An id names one unfinished request: an ended one may be cancelled in vain.
        const cancellation: Input = { atMs: againMs, cancels: id };
        const inputs: Input[] = [{ atMs, request }, cancellation];
        return sentAgain ? [...inputs, { atMs: againMs, request: again }] : inputs;
      })
      .toSorted((a, b) => a.atMs - b.atMs),
  );

const cases: fc.Arbitrary<Case> = fc.record({ spec, policy, inputs });

describe("the engine model", () => {
  it("gives the same one iteration at a time, in leaps, and by the slow rules", () => {
    fc.assert(
      fc.property(cases, (each) => {
        const expected = runReference(each);
        expect(runModel(each, true)).toEqual(expected);
        expect(runModel(each, false)).toEqual({ ...expected, tokens: [] });
      }),
      { seed: testSeed, numRuns: 6_000 },
    );
  });

  it("takes few leaps where nothing happens", () => {
    const each = fc.sample(spec, { seed: testSeed, numRuns: 1 })[0];
    if (each === undefined) throw new Error("no sample");
    const model = new EngineModel(
      { ...each, kvTokens: 1e9, chunkTokens: 1_000 },
      { preemption: "none", starvationThreshold: 0, starvationQuantum: 0, tokenEvents: false },
    );
    const request = { workflowId: null, promptTokens: 10, outputTokens: 1e6, priority: 0 };
    model.enqueue({ ...request, id: "a", readyMs: 0, created: 0 }, 0);
    model.begin(0);
    let leaps = 0;
    for (; model.nextEventMs() < Number.POSITIVE_INFINITY; leaps++) {
      const nowMs = model.nextEventMs();
      model.finish(nowMs);
      model.begin(nowMs);
    }
    expect(leaps).toBe(2);
    expect(model.outputTokensMade).toBe(1e6);
  });
});

describe("iterations of one kind", () => {
  it("an instant falls into the first one that ends at or after it", () => {
    const runs = fc.record({
      startMs: eighths(100),
      firstMs: eighths(8).map((ms) => ms + 1 / 8),
      growthMs: eighths(1).map((ms) => ms / 8),
      count: fc.integer({ min: 1, max: 500 }),
    });
    fc.assert(
      fc.property(runs, eighths(2_000), (run, timeMs) => {
        let expected = 1;
        while (expected < run.count && endOfIteration(run, expected) < timeMs) expected++;
        expect(iterationAt(run, timeMs)).toBe(expected);
      }),
      { seed: testSeed, numRuns: 2_000 },
    );
  });
});
