import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { EngineKind } from "../../src/engine/endpoint.ts";

/** One request and response of a real engine, as captured on the wire. */
export interface Recording {
  /** `vllm/v0.32.0/chat-stream`. */
  readonly name: string;
  readonly kind: EngineKind;
  readonly method: string;
  readonly path: string;
  readonly request: Buffer;
  readonly status: number;
  readonly contentType: string;
  /** Without the chunk framing; cut where the capture was cut. */
  readonly body: Buffer;
}

const ROOT = "../shared/fixtures";

const FOLDERS: readonly (readonly [string, EngineKind])[] = [
  ["vllm/v0.32.0", "vllm"],
  ["llama-server/v0.5.0", "llama.cpp"],
  ["llama-server/b4747-2025-02", "llama.cpp"],
  ["ollama/v0.17.4", "ollama"],
  ["transformers-serve/v5.19.0", "transformers"],
];

export const SKIP_REASON: string | null = existsSync(ROOT)
  ? null
  : `no recordings of engines at ${ROOT}`;

/** All recordings, in a fixed order; none where the folder is absent. */
export function recordings(): Recording[] {
  if (SKIP_REASON !== null) return [];
  return FOLDERS.flatMap(([folder, kind]) =>
    readdirSync(join(ROOT, folder))
      .filter((file) => file.endsWith(".txt"))
      .sort()
      .flatMap((file) => {
        const bytes = readFileSync(join(ROOT, folder, file));
        const read = parseRecording(bytes);
        return read === null ? [] : [{ name: `${folder}/${file.slice(0, -4)}`, kind, ...read }];
      }),
  );
}

/** Streams of the two OpenAI completion routes. */
export function streamRecordings(): Recording[] {
  return recordings().filter(
    ({ path, status, contentType }) =>
      status === 200 &&
      contentType.startsWith("text/event-stream") &&
      (path === "/v1/chat/completions" || path === "/v1/completions"),
  );
}

export function recording(name: string): Recording {
  const found = recordings().find((one) => one.name === name);
  if (found === undefined) throw new Error(`no recording ${name}`);
  return found;
}

function parseRecording(bytes: Buffer): Omit<Recording, "name" | "kind"> | null {
  const asked = between(bytes, ">>> request\n");
  const answered = between(bytes, "<<< response\n");
  if (asked === null || answered === null) return null;
  const request = bytes.subarray(asked, answered - "\n<<< response\n".length);
  const [requestHead, requestBody] = message(request);
  const [head, framed] = message(bytes.subarray(answered));
  const [method = "", path = ""] = requestHead.split(" ");
  const status = Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1] ?? 0);
  if (status === 0) return null;
  const isChunked = /transfer-encoding: chunked/i.test(head);
  const contentType = /content-type: ([^\r\n]*)/i.exec(head)?.[1] ?? "";
  const body = isChunked ? dechunked(framed) : framed;
  return { method, path, request: requestBody, status, contentType, body };
}

function between(bytes: Buffer, marker: string): number | null {
  const at = bytes.indexOf(marker);
  return at === -1 ? null : at + marker.length;
}

function message(bytes: Buffer): [string, Buffer] {
  const end = bytes.indexOf("\r\n\r\n");
  if (end === -1) return [bytes.toString("latin1"), Buffer.alloc(0)];
  return [bytes.toString("latin1", 0, end), bytes.subarray(end + 4)];
}

/** Long captures have a piece cut out of their middle; the stream goes on at the next whole chunk. */
const CUT = "\n[... cut ...]\n";

function dechunked(framed: Buffer): Buffer {
  const cut = framed.indexOf(CUT);
  if (cut === -1) return Buffer.concat(chunksOf(framed));
  const after = framed.subarray(cut + CUT.length);
  const next = after.subarray(after.indexOf("\r\n") + 2);
  return Buffer.concat([...chunksOf(framed.subarray(0, cut), true), ...chunksOf(next)]);
}

function chunksOf(framed: Buffer, wholeOnly: boolean = false): Buffer[] {
  const chunks: Buffer[] = [];
  let at = 0;
  for (;;) {
    const lineEnd = framed.indexOf("\r\n", at);
    if (lineEnd === -1) return chunks;
    const length = Number.parseInt(framed.toString("latin1", at, lineEnd), 16);
    if (!(length > 0)) return chunks;
    const end = lineEnd + 2 + length;
    if (end <= framed.length || !wholeOnly) chunks.push(framed.subarray(lineEnd + 2, end));
    at = end + 2;
  }
}
