/** Told of each whole event, as a range of `text`: one character a byte (Latin-1). False leaves the event out. */
export type EventReader = (text: string, start: number, end: number) => boolean;

const CARRIAGE_RETURN = 13;

/** What the current line holds so far: nothing, only a carriage return, or more. */
type Line = "empty" | "return" | "filled";

/**
 * Cuts a byte stream into server-sent events, at blank lines ended by LF or CRLF. What comes out is
 * what went in, event by event, less the events that the reader leaves out.
 */
export class EventFraming {
  private readonly read: EventReader;
  /** Pieces of an event whose end has not come. */
  private pending: Buffer[] = [];
  private pendingBytes = 0;
  private line: Line = "empty";
  /** The current event was too long to hold and is passing by unread. */
  private oversized = false;
  private readonly eventBytesMax: number;
  /** An event has passed by unread. */
  hasSkipped = false;

  /** An event longer than `eventBytesMax` is passed on unread. */
  constructor(read: EventReader, eventBytesMax: number) {
    this.read = read;
    this.eventBytesMax = eventBytesMax;
  }

  /** The whole events that the chunk completes; the chunk itself where it ends with one and nothing is left out. */
  push(chunk: Buffer): Buffer | null {
    if (chunk.length === 0) return null;
    const text = chunk.toString("latin1");
    let end = this.eventEnd(text, 0);
    if (end === -1) return this.hold(chunk);
    const out: Buffer[] = [];
    /** Bytes from here up to `start` go out as they are. */
    let from = 0;
    let start = 0;
    if (this.pending.length > 0) {
      this.pending.push(chunk.subarray(0, end));
      const event = this.takePending();
      if (this.readEvent(event)) out.push(event);
      from = end;
      start = end;
      end = this.eventEnd(text, start);
    } else if (this.oversized) {
      this.oversized = false;
      start = end;
      end = this.eventEnd(text, start);
    }
    while (end !== -1) {
      if (!this.read(text, start, end)) {
        if (from < start) out.push(chunk.subarray(from, start));
        from = end;
      }
      start = end;
      end = this.eventEnd(text, start);
    }
    if (from === 0 && start === chunk.length) return chunk;
    if (from < start) out.push(chunk.subarray(from, start));
    const passing = start < chunk.length ? this.hold(chunk.subarray(start)) : null;
    if (passing !== null) out.push(passing);
    return joined(out);
  }

  /** Takes what is left when the bytes have ended: the beginning of an event, or null. */
  finish(): Buffer | null {
    return this.pending.length > 0 ? this.takePending() : null;
  }

  private readEvent(event: Buffer): boolean {
    return this.read(event.toString("latin1"), 0, event.length);
  }

  private takePending(): Buffer {
    const event = Buffer.concat(this.pending);
    this.pending = [];
    this.pendingBytes = 0;
    return event;
  }

  /** Keeps the beginning of an event; gives it back when it is too long to keep. */
  private hold(piece: Buffer): Buffer | null {
    if (this.oversized) return piece;
    this.pending.push(piece);
    this.pendingBytes += piece.length;
    if (this.pendingBytes <= this.eventBytesMax) return null;
    this.oversized = true;
    this.hasSkipped = true;
    return this.takePending();
  }

  /** Index after the blank line that ends the event, or -1; remembers the unfinished line. */
  private eventEnd(text: string, start: number): number {
    let from = start;
    let line = this.line;
    for (;;) {
      const newline = text.indexOf("\n", from);
      if (newline === -1) break;
      const blank =
        line !== "filled" &&
        (newline === from ||
          (line === "empty" && newline === from + 1 && text.charCodeAt(from) === CARRIAGE_RETURN));
      line = "empty";
      from = newline + 1;
      if (blank) {
        this.line = line;
        return from;
      }
    }
    this.line = lineState(line, text, from);
    return -1;
  }
}

function lineState(line: Line, text: string, from: number): Line {
  const length = text.length - from;
  if (length === 0) return line;
  const onlyReturn = line === "empty" && length === 1 && text.charCodeAt(from) === CARRIAGE_RETURN;
  return onlyReturn ? "return" : "filled";
}

function joined(pieces: readonly Buffer[]): Buffer | null {
  const [first] = pieces;
  if (first === undefined) return null;
  return pieces.length === 1 ? first : Buffer.concat(pieces);
}
