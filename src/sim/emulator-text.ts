import { createRandom, type Random } from "../core/random.ts";

/** Median of the generated lengths, tokens. */
const MEDIAN_TOKENS = 120;
/** Standard deviation of their logarithm: one answer in 20 is five times the median or longer. */
const LOG_SPREAD = 1;
const SENTENCE_WORDS = 11;

const WORDS = (
  "the a we it this that each and but so then first next step plan task result value answer case " +
  "input output file line test check number list name time part way point model data call tool " +
  "function question reason problem method state order change need find read write run use make " +
  "give take keep show set get add compare compute follow return again before after between from " +
  "with without into over under more less only also still now here there same other small large"
).split(" ");

/** A made-up answer: the same seed gives the same length and the same words. */
export interface GeneratedText {
  /** Log-normal, as lengths of real answers roughly are; at least 1. */
  readonly tokens: number;
  /** `count` pieces, one word each. */
  pieces(count: number): string[];
}

export function generateText(seed: number): GeneratedText {
  const random = createRandom(seed);
  const tokens = Math.max(1, Math.round(MEDIAN_TOKENS * Math.exp(LOG_SPREAD * normal(random))));
  return { tokens, pieces: (count) => Array.from({ length: count }, (_, at) => word(random, at)) };
}

/** Standard normal (Box and Muller). */
function normal(random: Random): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.next()));
  return radius * Math.cos(2 * Math.PI * random.next());
}

function word(random: Random, at: number): string {
  const word = WORDS[Math.floor(random.next() * WORDS.length)] ?? "";
  const place = at % SENTENCE_WORDS;
  const spelled = place === 0 ? word.charAt(0).toUpperCase() + word.slice(1) : word;
  return `${at === 0 ? "" : " "}${spelled}${place === SENTENCE_WORDS - 1 ? "." : ""}`;
}
