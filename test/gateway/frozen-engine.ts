import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Worker } from "node:worker_threads";
import { until } from "./bench.ts";

/** An engine that can stop accepting connections while its port stays open. */
export interface FrozenEngine {
  readonly url: string;
  /** From now on a connection to it stays half made. */
  freeze(): Promise<void>;
  /** Resolves when a connection has been tried since it froze. */
  approached(): Promise<void>;
  /** Connections that were made since it froze. */
  connections(): number;
  thaw(): void;
  /** Requests that it has read. */
  posts(): number;
  close(): Promise<void>;
}

/** More than the kernel keeps for a server that accepts nothing and asked for a backlog of one. */
const FILLERS = 16;

const SERVER = `
const { createServer } = require("node:http");
const { parentPort, workerData } = require("node:worker_threads");
const gate = new Int32Array(workerData.gate);
const server = createServer((request, response) => {
  if (request.method === "POST") Atomics.add(gate, 1, 1);
  response.writeHead(200, { "content-type": "text/event-stream", connection: "close" });
  request.resume().on("end", () => response.end(workerData.answer));
});
parentPort.on("message", () => {
  parentPort.postMessage(0);
  Atomics.wait(gate, 0, 0);
});
const listening = () => parentPort.postMessage(server.address().port);
server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, listening);
`;

/** Runs in a thread of its own, which can be halted; answers each request with one stream. */
export async function startFrozenEngine(answer: string): Promise<FrozenEngine> {
  const gate = new SharedArrayBuffer(8);
  const flags = new Int32Array(gate);
  const worker = new Worker(SERVER, { eval: true, workerData: { gate, answer } });
  const [port]: unknown[] = await once(worker, "message");
  const fillers: Socket[] = [];
  let tried = 0;
  let made = 0;
  const isHere = (message: unknown): boolean =>
    JSON.stringify(message, ["connectParams", "port"]).includes(`"${String(port)}"`);
  const onTry = (message: unknown): void => void (isHere(message) && tried++);
  const onMade = (message: unknown): void => void (isHere(message) && made++);
  const thaw = (): void => {
    for (const filler of fillers.splice(0)) filler.destroy();
    Atomics.store(flags, 0, 1);
    Atomics.notify(flags, 0);
  };
  return {
    url: `http://127.0.0.1:${String(port)}/v1`,
    freeze: async () => {
      worker.postMessage(0, []);
      await once(worker, "message");
      for (let count = 0; count < FILLERS; count++) {
        fillers.push(connect(Number(port), "127.0.0.1").on("error", () => {}));
      }
      if (fillers[0] !== undefined) await once(fillers[0], "connect");
      subscribe("undici:client:beforeConnect", onTry);
      subscribe("undici:client:connected", onMade);
    },
    approached: () => until(() => tried > 0),
    connections: () => made,
    thaw,
    posts: () => flags[1] ?? 0,
    close: async () => {
      unsubscribe("undici:client:beforeConnect", onTry);
      unsubscribe("undici:client:connected", onMade);
      thaw();
      await worker.terminate();
    },
  };
}
