/** A place in somebody's trace: W3C Trace Context, version 00. */
export interface TracePlace {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Reads a `traceparent`; null where it is none, which the standard says to treat as absent. */
export function parseTraceparent(text: string | undefined): TracePlace | null {
  const [, version, traceId = "", spanId = "", flags = "", rest] =
    TRACEPARENT.exec(text?.trim() ?? "") ?? [];
  if (version === undefined || version === "ff") return null;
  if (version === "00" && rest !== undefined) return null;
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return null;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) };
}

export function formatTraceparent({ traceId, spanId, traceFlags }: TracePlace): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
}
