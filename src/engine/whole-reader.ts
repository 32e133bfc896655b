import type { StreamEnd, StreamUsage } from "./stream-reader.ts";

/** 2,048 vectors of 4,096 numbers, as text. */
const ANSWER_BYTES_MAX = 256 * 1024 * 1024;

const CLOSE_BRACE = "}".charCodeAt(0);

/** Collects an answer that is one JSON object; it is passed on at its end, as it is. Counts as one token. */
export class WholeReader {
  readonly firstTokenSeen = false;
  readonly usage: StreamUsage | null = null;
  readonly done = false;
  errorMessage: string | null = null;
  tokens = 0;
  private readonly chunks: Buffer[] = [];
  private bytes = 0;

  push(chunk: Buffer): null {
    this.bytes += chunk.length;
    if (this.bytes > ANSWER_BYTES_MAX) this.errorMessage = "the answer is too long";
    else this.chunks.push(chunk);
    return null;
  }

  finish(): StreamEnd {
    const whole = Buffer.concat(this.chunks);
    const last = whole.toString("latin1", Math.max(0, whole.length - 64)).trimEnd();
    if (last.charCodeAt(last.length - 1) !== CLOSE_BRACE) {
      const message = "the engine's answer broke off";
      return { good: false, reason: "truncated-event", message };
    }
    this.tokens = 1;
    return { good: true, rest: whole };
  }
}
