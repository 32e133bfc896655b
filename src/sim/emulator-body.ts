import type { IncomingMessage } from "node:http";

export type ReadBody =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "tooLarge" }
  /** Not UTF-8. */
  | { readonly type: "undecodable" }
  /** The client left before its end. */
  | { readonly type: "broken" };

/** Reads a whole request body; never rejects. What exceeds the bound is read to its end and forgotten. */
export async function readBody(request: IncomingMessage, bytesMax: number): Promise<ReadBody> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request) {
      if (!Buffer.isBuffer(chunk)) continue;
      bytes += chunk.length;
      if (bytes > bytesMax) chunks.length = 0;
      else chunks.push(chunk);
    }
  } catch {
    return { type: "broken" };
  }
  if (bytes > bytesMax) return { type: "tooLarge" };
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(Buffer.concat(chunks));
    return { type: "text", text };
  } catch {
    return { type: "undecodable" };
  }
}
