import type { TokenWindowRule } from "./encoder-manifest.ts";

/** The tokens of a text, nothing put around them. */
export type Tokenize = (text: string) => readonly number[];

/** Reads texts as the encoder was trained to: cut, tokenised, cut again, with prefix and suffix. */
export function createTokenReader(
  rule: TokenWindowRule,
  tokenize: Tokenize,
): (text: string) => number[] {
  const { tokensMax, charactersMax, truncate, prefix, suffix } = rule;
  const room = tokensMax - prefix.length - suffix.length;
  const isLeft = truncate === "left";
  return (text) => {
    const tokens = tokenize(cutText(text, charactersMax, isLeft));
    const kept = isLeft ? tokens.slice(Math.max(0, tokens.length - room)) : tokens.slice(0, room);
    return [...prefix, ...kept, ...suffix];
  };
}

/** Half a character is dropped where the cut goes through one. */
function cutText(text: string, units: number, isLeft: boolean): string {
  if (text.length <= units) return text;
  const cut = isLeft ? text.slice(-units) : text.slice(0, units);
  return isLeft ? cut.replace(/^[\uDC00-\uDFFF]/, "") : cut.replace(/[\uD800-\uDBFF]$/, "");
}
