/** A family as Prometheus shows it; `labels` are their names. */
export interface FamilyHead<Names extends readonly string[]> {
  readonly name: string;
  readonly help: string;
  readonly labels: Names;
}

/** One value for each label, in the order of the names. */
type ValuesOf<Names extends readonly string[]> = { readonly [Index in keyof Names]: string };

interface Shown {
  lines(): string[];
}

/** All families of a page, in the order in which they were made. */
export class Families {
  readonly #all: Shown[] = [];

  counter<const Names extends readonly string[]>(head: FamilyHead<Names>): Family<Names, Tally> {
    return this.#add(new Family("counter", head, () => new Tally()));
  }

  gauge<const Names extends readonly string[]>(head: FamilyHead<Names>): Family<Names, Tally> {
    return this.#add(new Family("gauge", head, () => new Tally()));
  }

  /** `limits` are the upper ones of the buckets, rising; a last bucket has none. */
  histogram<const Names extends readonly string[]>(
    head: FamilyHead<Names>,
    limits: readonly number[],
  ): Family<Names, Buckets> {
    return this.#add(new Family("histogram", head, () => new Buckets(limits)));
  }

  /** Prometheus' text form, version 0.0.4. */
  text(): string {
    return this.#all.map((family) => `${family.lines().join("\n")}\n`).join("\n");
  }

  #add<Names extends readonly string[], Cell extends Sampled>(
    family: Family<Names, Cell>,
  ): Family<Names, Cell> {
    this.#all.push(family);
    return family;
  }
}

/** What is counted by labels. A cell is found without making an object, and may be kept. */
export class Family<Names extends readonly string[], Cell extends Sampled> {
  readonly #kind: string;
  readonly #head: FamilyHead<Names>;
  readonly #create: () => Cell;
  readonly #cells = new Map<string, { readonly labels: string; readonly cell: Cell }>();

  constructor(kind: string, head: FamilyHead<Names>, create: () => Cell) {
    this.#kind = kind;
    this.#head = head;
    this.#create = create;
    // Without labels there is one value, shown from the start.
    if (head.labels.length === 0) this.#cells.set("", { labels: "", cell: create() });
  }

  of(...values: ValuesOf<Names>): Cell {
    const key = values.length === 1 ? (values[0] ?? "") : values.join("\n");
    return this.#cells.get(key)?.cell ?? this.#added(key, values);
  }

  /** Forgets every cell; none that was handed out is shown any more. */
  reset(): void {
    this.#cells.clear();
  }

  lines(): string[] {
    const { name, help } = this.#head;
    const lines = [`# HELP ${name} ${help}`, `# TYPE ${name} ${this.#kind}`];
    for (const { labels, cell } of this.#cells.values()) lines.push(...cell.samples(name, labels));
    return lines;
  }

  #added(key: string, values: readonly string[]): Cell {
    const cell = this.#create();
    const { labels } = this.#head;
    const pairs = labels.map((label, index) => `${label}="${escaped(values[index] ?? "")}"`);
    this.#cells.set(key, { labels: pairs.join(","), cell });
    return cell;
  }
}

interface Sampled {
  /** `labels` are pairs without braces, or empty. */
  samples(name: string, labels: string): string[];
}

/** A number that is counted or set. */
export class Tally implements Sampled {
  #value = 0;

  add(amount: number = 1): void {
    this.#value += amount;
  }

  set(value: number): void {
    this.#value = value;
  }

  samples(name: string, labels: string): string[] {
    return [sample(name, labels, this.#value)];
  }
}

/** How often a value was met, by size. */
export class Buckets implements Sampled {
  readonly #limits: readonly number[];
  /** One more than limits: what is above the last. Those of one bucket alone. */
  readonly #counts: number[];
  #sum = 0;

  constructor(limits: readonly number[]) {
    this.#limits = limits;
    this.#counts = Array.from({ length: limits.length + 1 }, () => 0);
  }

  observe(value: number): void {
    const limits = this.#limits;
    let bucket = 0;
    while (bucket < limits.length && value > (limits[bucket] ?? 0)) bucket++;
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.#sum += value;
  }

  samples(name: string, labels: string): string[] {
    const more = labels === "" ? "" : `,${labels}`;
    let seen = 0;
    const lines = this.#counts.map((count, bucket) => {
      seen += count;
      const limit = this.#limits[bucket] ?? "+Inf";
      return sample(`${name}_bucket`, `le="${limit}"${more}`, seen);
    });
    return [
      ...lines,
      sample(`${name}_sum`, labels, this.#sum),
      sample(`${name}_count`, labels, seen),
    ];
  }
}

function sample(name: string, labels: string, value: number): string {
  const shown =
    Math.abs(value) === Number.POSITIVE_INFINITY ? `${value > 0 ? "+" : "-"}Inf` : String(value);
  return labels === "" ? `${name} ${shown}` : `${name}{${labels}} ${shown}`;
}

function escaped(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll("\n", "\\n").replaceAll('"', '\\"');
}
