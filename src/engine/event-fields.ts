/** A server-sent event, read from one character a byte (Latin-1). */
export interface EventFields {
  /** The data lines, joined; "" where there is none. */
  readonly data: string;
  /** "" where it has none. */
  readonly name: string;
}

/** Reads a range of text that is one event. */
export function eventFields(text: string, start: number, end: number): EventFields {
  let data: string | null = null;
  let name = "";
  let from = start;
  while (from < end) {
    const newline = text.indexOf("\n", from);
    const next = newline === -1 || newline >= end ? end : newline + 1;
    let stop = next === newline + 1 ? newline : end;
    if (stop > from && text[stop - 1] === "\r") stop--;
    if (text.startsWith("data:", from)) {
      const skip = text[from + 5] === " " ? 6 : 5;
      const line = text.slice(from + skip, stop);
      data = data === null ? line : `${data}\n${line}`;
    } else if (text.startsWith("event:", from)) {
      name = text.slice(from + 6, stop).trim();
    }
    from = next;
  }
  return { data: data ?? "", name };
}

/** Why a whole event that cannot be read ends a stream whose answer is made of its events: text would be missing. */
export const UNREADABLE_EVENT = "The engine sent an event that is not JSON.";

/** The same in Latin-1 and UTF-8. */
// oxlint-disable-next-line no-control-regex -- all that is ASCII
const ASCII = /^[\0-\x7f]*$/;

/** The value of an event's data, or undefined where it is not JSON. */
export function parseEventData(data: string): unknown {
  try {
    return JSON.parse(ASCII.test(data) ? data : Buffer.from(data, "latin1").toString("utf8"));
  } catch {
    return undefined;
  }
}
