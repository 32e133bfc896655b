import { z } from "zod";

const NAME = /^[\x21-\x7e]+$/;
const NAME_CHARACTERS_MAX = 128;

/** Text from the environment and from flags counts as the number that it spells. */
export function numeric(schema: z.ZodNumber, what: string): z.ZodType<number> {
  return z
    .preprocess((value) => {
      if (typeof value !== "string" || value.trim() === "") return value;
      const number = Number(value);
      return Number.isFinite(number) ? number : value;
    }, schema)
    .describe(what);
}

export function within(min: number, max: number, meaning: string): z.ZodType<number> {
  return numeric(z.number().min(min).max(max), `a number from ${min} to ${max}, ${meaning}`);
}

export function whole(min: number, max: number, meaning: string): z.ZodType<number> {
  const what = `a whole number from ${min} to ${max}, ${meaning}`;
  return numeric(z.int().min(min).max(max), what);
}

/** The words true and false of the environment count as what they say. */
export function truth(): z.ZodType<boolean> {
  return z
    .preprocess(
      (value) => (value === "true" ? true : value === "false" ? false : value),
      z.boolean(),
    )
    .describe("true or false");
}

export function label(meaning: string): z.ZodType<string> {
  return z
    .string()
    .regex(NAME)
    .max(NAME_CHARACTERS_MAX)
    .describe(`text of at most ${NAME_CHARACTERS_MAX} characters without spaces, ${meaning}`);
}
