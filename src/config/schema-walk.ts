import type { z } from "zod";

/** A place in a configuration: keys of mappings and indexes of lists. */
export type KeyPath = readonly (string | number)[];

export interface SchemaPlace {
  /** What a value must be, from the closest description on the way. */
  readonly description: string | null;
  /** The allowed values, where they are a closed list. */
  readonly options: readonly string[];
  /** The allowed keys, where the place is a mapping of known keys. */
  readonly keys: readonly string[];
}

/** The parts of a zod definition that matter here; all wrappers and containers share them. */
interface Definition {
  readonly innerType?: z.ZodType;
  readonly out?: z.ZodType;
  readonly in?: z.ZodType;
  readonly type: string;
  readonly element?: z.ZodType;
  readonly valueType?: z.ZodType;
  readonly shape?: Readonly<Record<string, z.ZodType>>;
  readonly entries?: Readonly<Record<string, string>>;
}

/** What the schema says of the value at a path. */
export function placeAt(schema: z.ZodType, path: KeyPath): SchemaPlace {
  let place = unwrap(schema);
  for (const key of path) {
    const { shape, element, valueType } = place.definition;
    const next = shape !== undefined && Object.hasOwn(shape, key) ? shape[key] : undefined;
    const child = next ?? element ?? valueType;
    if (child === undefined) break;
    place = unwrap(child);
  }
  const { shape, entries } = place.definition;
  return {
    description: place.description,
    options: Object.values(entries ?? {}),
    keys: Object.keys(shape ?? {}),
  };
}

function unwrap(schema: z.ZodType): { definition: Definition; description: string | null } {
  let description = schema.description ?? null;
  let definition: Definition = schema.def;
  for (;;) {
    const inner = definition.innerType ?? innerOfPipe(definition);
    if (inner === undefined) return { definition, description };
    description ??= inner.description ?? null;
    definition = inner.def;
  }
}

/** A pipe into a transform describes its input; a pipe out of one describes its output. */
function innerOfPipe(definition: Definition): z.ZodType | undefined {
  const { out } = definition;
  return out?.def.type === "transform" ? definition.in : out;
}
