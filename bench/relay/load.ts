import { Agent, request } from "node:http";

/** What each request of a load is like. */
export interface Shape {
  readonly streams: boolean;
  readonly chunks: number;
  readonly paceMs: number;
  readonly bodyBytes: number;
}

/** What became of a load. */
export interface LoadResult {
  readonly requests: number;
  /** Requests that did not end as they should. */
  readonly lost: number;
  /** From the sending to the first byte of the body, ms, sorted. */
  readonly firstMs: readonly number[];
}

let serial = 0;

/** One request; its time to the first byte of the answer, or null where it was lost. */
export function ask(port: number, agent: Agent, shape: Shape): Promise<number | null> {
  const content = `Task ${serial++}. ${"word ".repeat(shape.bodyBytes / 5)}`;
  const body = JSON.stringify({
    model: "chimera",
    messages: [{ role: "user", content }],
    stream: shape.streams,
  });
  const headers = {
    "content-type": "application/json",
    "content-length": body.length,
    "x-chimera-playback-task": `${shape.chunks}/${shape.paceMs}`,
    accept: shape.streams ? "text/event-stream" : "application/json",
  };
  return new Promise((resolve) => {
    const sentMs = performance.now();
    let firstMs: number | null = null;
    let tail = "";
    const outgoing = request(
      { host: "127.0.0.1", port, agent, method: "POST", path: "/v1/chat/completions", headers },
      (response) => {
        response.on("data", (chunk: Buffer) => {
          firstMs ??= performance.now() - sentMs;
          tail = chunk.toString("latin1", Math.max(0, chunk.length - 40));
        });
        response.on("close", () => {
          const isWhole = shape.streams ? tail.endsWith("data: [DONE]\n\n") : tail.endsWith("}");
          resolve(response.statusCode === 200 && isWhole ? firstMs : null);
        });
      },
    );
    outgoing.on("error", () => resolve(null));
    outgoing.end(body);
  });
}

/** `requests` of them, `together` at a time. */
export async function closedLoad(
  port: number,
  shape: Shape,
  { requests, together }: { readonly requests: number; readonly together: number },
): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, noDelay: true });
  const results: (number | null)[] = [];
  let left = requests;
  const loop = async (): Promise<void> => {
    while (left-- > 0) results.push(await ask(port, agent, shape));
  };
  await Promise.all(Array.from({ length: together }, loop));
  agent.destroy();
  return resultOf(results);
}

/** `requests` of them, one every `everyMs` whatever becomes of the others. */
export async function openLoad(
  port: number,
  shape: Shape,
  { requests, everyMs }: { readonly requests: number; readonly everyMs: number },
): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, noDelay: true });
  const beganMs = performance.now();
  const running: Promise<number | null>[] = [];
  for (let index = 0; index < requests; index++) {
    const waitMs = beganMs + index * everyMs - performance.now();
    if (waitMs > 0) await new Promise((resolve) => setTimeout(resolve, waitMs));
    running.push(ask(port, agent, shape));
  }
  const results = await Promise.all(running);
  agent.destroy();
  return resultOf(results);
}

function resultOf(results: readonly (number | null)[]): LoadResult {
  const firstMs = results.filter((first) => first !== null).sort((a, b) => a - b);
  return { requests: results.length, lost: results.length - firstMs.length, firstMs };
}
