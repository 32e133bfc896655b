/** Response headers as node:http takes them cheapest: names and values in turn, no name twice. */
export type HeaderList = readonly string[];

/** A list of its own. */
export function headerList(headers: Readonly<Record<string, string>>): string[] {
  const list: string[] = [];
  for (const name in headers) list.push(name, headers[name] ?? "");
  return list;
}

/** By name, to be shown. */
export function headerObject(headers: HeaderList): Record<string, string> {
  const object: Record<string, string> = {};
  for (let at = 0; at < headers.length; at += 2) object[headers[at] ?? ""] = headers[at + 1] ?? "";
  return object;
}
