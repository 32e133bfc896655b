import { readFile } from "node:fs/promises";
import { createServer, type Server, type ServerOptions } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { createSecureContext } from "node:tls";
import type { Config } from "../config/config.ts";

/** Certificate and key as PEM text. */
export interface TlsFiles {
  readonly cert: Buffer;
  readonly key: Buffer;
}

/** A load balancer in front keeps connections for a minute; the gateway must not be the first to close. */
const KEEP_ALIVE_MS = 75_000;
/** How often it is looked for clients that are too slow; at most a tenth of their time goes by unseen. */
const CHECK_MS_MAX = 5_000;
const HANDSHAKE_MS_MAX = 10_000;

/** Reads what TLS needs. Rejects with a sentence when it cannot be used. */
export async function readTlsFiles({ tls }: Config["listen"]): Promise<TlsFiles | null> {
  if (tls === null) return null;
  const files = { cert: await readPem(tls.cert, "cert"), key: await readPem(tls.key, "key") };
  try {
    createSecureContext(files);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`listen.tls: ${tls.cert} and ${tls.key} cannot be used (${reason})`, {
      cause: error,
    });
  }
  return files;
}

/** The server that clients connect to, with every limit that HTTP itself has. */
export function createListener({ limits }: Config, tls: TlsFiles | null): Server {
  const { headerBytesMax, headersMsMax, bodyMsMax, connectionsMax } = limits;
  const options: ServerOptions = {
    maxHeaderSize: headerBytesMax,
    keepAliveTimeout: KEEP_ALIVE_MS,
    headersTimeout: headersMsMax,
    requestTimeout: Math.max(bodyMsMax, headersMsMax),
    connectionsCheckingInterval: Math.min(CHECK_MS_MAX, headersMsMax / 10, bodyMsMax / 10),
    // A front that reads a message otherwise than we do could have a second one hidden in it.
    insecureHTTPParser: false,
    requireHostHeader: true,
  };
  const server =
    tls === null
      ? createServer(options)
      : createTlsServer({
          ...options,
          ...tls,
          minVersion: "TLSv1.2",
          handshakeTimeout: HANDSHAKE_MS_MAX,
        });
  server.maxConnections = connectionsMax;
  return server;
}

async function readPem(path: string, what: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : "unknown error";
    throw new Error(`listen.tls.${what} ${path} cannot be read (${code})`, { cause: error });
  }
}
