import { expect, it } from "vitest";
import { type Idle, IdleList } from "./idle.ts";
import { createRandom } from "./random.ts";

class Item implements Idle<Item> {
  idles = false;
  idleSooner: Item | null = null;
  idleLater: Item | null = null;
}

it("keeps the order of a set whose members come, go and come again", () => {
  const items = Array.from({ length: 8 }, () => new Item());
  const list = new IdleList<Item>();
  const model = new Set<Item>();
  const random = createRandom(7);
  for (let round = 0; round < 500; round++) {
    const item = items[Math.floor(random.next() * items.length)];
    if (item === undefined) continue;
    model.delete(item);
    if (random.next() < 0.5) list.delete(item);
    else {
      model.add(item);
      list.add(item);
    }
    expect(list.all()).toEqual([...model]);
    expect([list.size, list.first]).toEqual([model.size, [...model][0] ?? null]);
  }
});
