/** A line without characters that a terminal would obey: ids come from clients. */
export function plainText(line: string): string {
  return line.replaceAll(/\p{Cc}/gu, "?");
}
