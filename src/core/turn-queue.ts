import type { Tenant } from "./event.ts";
import { compareKeys, QueueEntry, type Queue, type QueueKey, type QueuePrefix } from "./queue.ts";

/** What waits for its tenant's turn. */
export interface Turned<T> {
  readonly arrived: { readonly tenant?: Tenant };
  /** Its place in the order of everybody. */
  readonly entry: QueueEntry<T>;
  /** Its place among those of its tenant; owned by TurnQueue. Null where the tenant has no turn. */
  place: QueueEntry<T> | null;
}

export interface TenantWaiting<T> {
  readonly tenant: Tenant;
  readonly requests: number;
  readonly last: T;
}

/** The requests of one tenant and class that wait for one engine. */
interface Lane<T> {
  readonly rank: number;
  readonly queue: Queue<T>;
  weight: number;
  /** Where it stands: the smallest goes next. Tokens per unit of weight. */
  turn: number;
}

/**
 * An engine's queue that tenants with a weight take turns at, by start-time fair queueing: what is
 * dispatched next is the first, in the usual order, of the tenant that has been served least for its
 * weight. Classes and starvation levels stand above the turns; a tenant alone has the usual order.
 *
 * A tenant that comes back after a pause starts where the turns are, so that it neither has saved
 * anything nor owes. Hence, within a class and a starvation level:
 * - its first request waits for at most one dispatch of every other tenant;
 * - between two dispatches of which the first was charged c tokens, another tenant is dispatched at most
 *   c x (its weight / the first one's) tokens and one request.
 * `turn-queue.test.ts` holds it to both. Sums and visits are those of the order of everybody.
 */
export class TurnQueue<T extends Turned<T>> implements Queue<T> {
  readonly #all: Queue<T>;
  readonly #create: () => Queue<T>;
  /** As many as tenants with a weight, times classes; by class and tenant. */
  readonly #lanes = new Map<string, Lane<T>>();
  /** By class, the turn that was taken last. */
  readonly #taken = new Map<number, number>();

  constructor(create: () => Queue<T>) {
    this.#all = create();
    this.#create = create;
  }

  get size(): number {
    return this.#all.size;
  }

  get tokens(): number {
    return this.#all.tokens;
  }

  insert(entry: QueueEntry<T>): void {
    this.#all.insert(entry);
    const { value } = entry;
    const lane = this.#laneOf(value);
    if (lane === null) return;
    if (lane.queue.size === 0) lane.turn = Math.max(lane.turn, this.#takenIn(lane.rank));
    const place = new QueueEntry<T>(value, entry.sequence);
    place.rank = entry.rank;
    place.level = entry.level;
    place.priority = entry.priority;
    place.readyMs = entry.readyMs;
    place.tokens = entry.tokens;
    value.place = place;
    lane.queue.insert(place);
  }

  remove(entry: QueueEntry<T>): void {
    this.#all.remove(entry);
    const { value } = entry;
    if (value.place === null) return;
    this.#laneOf(value)?.queue.remove(value.place);
    value.place = null;
  }

  /** The one whose turn it is. */
  first(): QueueEntry<T> | null {
    const head = this.#all.first();
    if (head === null || head.value.place === null) return head;
    let next: QueueEntry<T> = head.value.place;
    let nextTurn = this.#laneOf(head.value)?.turn ?? 0;
    for (const lane of this.#lanes.values()) {
      const first = lane.rank === head.rank ? lane.queue.first() : null;
      if (first === null || first.level !== head.level || lane.turn > nextTurn) continue;
      if (lane.turn === nextTurn && compareKeys(first, next) >= 0) continue;
      next = first;
      nextTurn = lane.turn;
    }
    return next.value.entry;
  }

  last(): QueueEntry<T> | null {
    return this.#all.last();
  }

  each(visit: (entry: QueueEntry<T>) => boolean): void {
    this.#all.each(visit);
  }

  before(key: QueueKey, into: QueuePrefix): QueuePrefix {
    return this.#all.before(key, into);
  }

  /** Tenants of a class that wait here: how many requests, and the one that sorts last. */
  *waiting(rank: number): Generator<TenantWaiting<T>> {
    for (const lane of this.#lanes.values()) {
      const last = lane.rank === rank ? (lane.queue.last()?.value ?? null) : null;
      const tenant = last?.arrived.tenant;
      if (last !== null && tenant !== undefined) yield { tenant, requests: lane.queue.size, last };
    }
  }

  /** It is dispatched now, while it is still queued, and is expected to use so many tokens. */
  charge(value: T, tokens: number): void {
    const lane = this.#laneOf(value);
    if (lane === null) return;
    this.#taken.set(lane.rank, Math.max(this.#takenIn(lane.rank), lane.turn));
    lane.turn += tokens / lane.weight;
  }

  /** It has used so many more than expected, or fewer. Nobody is set back before the turns that were taken. */
  correct(value: T, moreTokens: number): void {
    const lane = this.#laneOf(value);
    if (lane === null) return;
    lane.turn = Math.max(lane.turn + moreTokens / lane.weight, this.#takenIn(lane.rank));
  }

  #takenIn(rank: number): number {
    return this.#taken.get(rank) ?? 0;
  }

  #laneOf({ arrived, entry }: T): Lane<T> | null {
    const { tenant } = arrived;
    if (tenant?.weight === undefined) return null;
    const name = `${entry.rank} ${tenant.id}`;
    let lane = this.#lanes.get(name);
    if (lane === undefined) {
      const { rank } = entry;
      lane = { rank, queue: this.#create(), weight: 1, turn: this.#takenIn(rank) };
      this.#lanes.set(name, lane);
    }
    lane.weight = tenant.weight;
    return lane;
  }
}
