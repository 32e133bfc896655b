/** What can be idle; its neighbours are owned by the list. */
export interface Idle<T> {
  idles: boolean;
  idleSooner: T | null;
  idleLater: T | null;
}

/**
 * Those that are idle, the one idle longest first. A list of their own: the first of a Map from whose
 * front entries have gone is found only behind all of these.
 */
export class IdleList<T extends Idle<T>> {
  #first: T | null = null;
  #last: T | null = null;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get first(): T | null {
    return this.#first;
  }

  /** It is idle from now on. */
  add(item: T): void {
    this.delete(item);
    item.idles = true;
    item.idleSooner = this.#last;
    if (this.#last === null) this.#first = item;
    else this.#last.idleLater = item;
    this.#last = item;
    this.#size++;
  }

  /** Nothing happens where it is not idle. */
  delete(item: T): void {
    if (!item.idles) return;
    if (item.idleSooner === null) this.#first = item.idleLater;
    else item.idleSooner.idleLater = item.idleLater;
    if (item.idleLater === null) this.#last = item.idleSooner;
    else item.idleLater.idleSooner = item.idleSooner;
    item.idles = false;
    item.idleSooner = null;
    item.idleLater = null;
    this.#size--;
  }

  all(): T[] {
    const items: T[] = [];
    for (let item = this.#first; item !== null; item = item.idleLater) items.push(item);
    return items;
  }
}
