/** Whether a text gives the right answer: what its last box holds, else its last number, after normalising both. */
export function isRightAnswer(text: string, answer: string): boolean {
  const given = boxedOf(text) ?? lastNumberOf(text);
  return given !== null && normalAnswer(given) === normalAnswer(answer);
}

/** What stands in the last `\boxed{...}`, braces within it counted. */
export function boxedOf(text: string): string | null {
  const start = text.lastIndexOf("\\boxed{");
  if (start < 0) return null;
  const from = start + "\\boxed{".length;
  let depth = 1;
  for (let at = from; at < text.length; at++) {
    if (text[at] === "{") depth++;
    else if (text[at] === "}") depth--;
    if (depth === 0) return text.slice(from, at);
  }
  return null;
}

function lastNumberOf(text: string): string | null {
  return text.match(/-?\d[\d,]*(?:\.\d+)?(?:\s*\/\s*\d+)?/g)?.at(-1) ?? null;
}

/** One spelling for equal numbers: 1,200 and 1200.0, \frac{1}{2}, 2/4 and 0.5. Other text loses its spaces. */
export function normalAnswer(text: string): string {
  const plain = text
    .replaceAll(/\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}/g, "($1)/($2)")
    .replaceAll(/\\(?:text|mathrm)\s*\{[^{}]*\}|\\[,;! ]|\\left|\\right|[$\s()]/g, "")
    .replace(/\\?%$/, "")
    .replaceAll(/(\d),(?=\d{3}(?!\d))/g, "$1");
  const parts = /^(-?)(\d+(?:\.\d+)?)(?:\/(\d+(?:\.\d+)?))?\.?$/.exec(plain);
  if (parts === null) return plain.toLowerCase();
  const [, sign = "", above = "", below = "1"] = parts;
  return fractionText(sign, above, below) ?? plain;
}

/** Exact: both sides become whole numbers, then lose their greatest common divisor. */
function fractionText(sign: string, above: string, below: string): string | null {
  const places = Math.max(placesOf(above), placesOf(below));
  const [top, bottom] = [scaled(above, places), scaled(below, places)];
  if (bottom === 0n) return null;
  const divisor = commonDivisor(top, bottom);
  const shown = `${top / divisor}/${bottom / divisor}`;
  return top === 0n ? "0/1" : sign + shown;
}

const placesOf = (number: string): number => number.split(".")[1]?.length ?? 0;

function scaled(number: string, places: number): bigint {
  const [whole = "", part = ""] = number.split(".");
  return BigInt(whole + part.padEnd(places, "0"));
}

function commonDivisor(one: bigint, other: bigint): bigint {
  return other === 0n ? one : commonDivisor(other, one % other);
}
