import { once } from "node:events";
import { systemClock, type Clock } from "../engine/clock.ts";
import { optionProblems, type EmulatorOptions } from "./emulator-options.ts";
import { EmulatorServer } from "./emulator-server.ts";

/** A listening engine. */
export interface Emulator {
  /** Without a path. */
  readonly url: string;
  readonly port: number;
  /** Refuses new requests and resolves when all answers are out; one that stalls never is. */
  close(): Promise<void>;
  /** Cuts every connection; resolves when the port is free. */
  destroy(): Promise<void>;
}

const HOST = "127.0.0.1";

/**
 * Starts an emulated engine behind vLLM's HTTP API. Rejects with a `RangeError` that names every
 * wrong option, or with the system's error when it cannot listen.
 */
export async function startEmulator(
  options: EmulatorOptions,
  clock: Clock = systemClock,
): Promise<Emulator> {
  const problems = optionProblems(options);
  if (problems.length > 0) throw new RangeError(problems.join("; "));
  const server = new EmulatorServer(options, clock);
  const { http } = server;
  const closed = new Promise<void>((resolve) => http.once("close", () => resolve()));
  const host = options.host ?? HOST;
  http.listen(options.port ?? 0, host);
  await once(http, "listening");
  const address = http.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${port}`,
    port,
    close: () => {
      server.drain();
      return closed;
    },
    destroy: () => {
      server.destroy();
      return closed;
    },
  };
}
