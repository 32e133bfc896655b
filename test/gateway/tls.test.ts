import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { get as httpGet } from "node:http";
import { Agent, get as httpsGet } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterEach, beforeEach, expect, test } from "vitest";
import { closeBenches, startBench } from "./bench.ts";
import { HELLO, stream } from "./scripted-engine.ts";
import { selfSigned } from "./self-signed.ts";

const engines = { small: stream(...HELLO) };
const own = selfSigned();
let folder = "";

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "chimera-tls-"));
});

afterEach(async () => {
  await closeBenches();
  await rm(folder, { recursive: true });
});

async function listenWith(files: { readonly cert: string; readonly key: string }): Promise<object> {
  const tls = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
  await writeFile(tls.cert, files.cert);
  await writeFile(tls.key, files.key, { mode: 0o600 });
  return { host: "127.0.0.1", port: 0, tls };
}

test("the listener speaks TLS with the certificate of the config, and nothing else", async () => {
  const bench = await startBench({ engines, more: { listen: await listenWith(own) } });
  expect(bench.url).toMatch(/^https:/);
  const agent = new Agent({ ca: own.cert });
  const url = new URL("/healthz", bench.url);
  const status = await new Promise((resolve, reject) => {
    httpsGet(url, { agent }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).on("error", reject);
  });
  agent.destroy();
  expect(status).toBe(200);
  const plain = new URL(url);
  plain.protocol = "http:";
  const refused = new Promise((resolve, reject) => {
    httpGet(plain, () => reject(new Error("answered"))).on("error", resolve);
  });
  expect(await refused).toBeInstanceOf(Error);
});

test("TLS older than 1.2 is refused", async () => {
  const bench = await startBench({ engines, more: { listen: await listenWith(own) } });
  const { port } = new URL(bench.url);
  const old = { minVersion: "TLSv1.1", maxVersion: "TLSv1.1" } as const;
  const failed = new Promise((resolve, reject) => {
    connect({ port: Number(port), host: "127.0.0.1", ca: own.cert, ...old }, () =>
      reject(new Error("connected")),
    ).on("error", resolve);
  });
  expect(await failed).toMatchObject({ message: expect.not.stringContaining("connected") });
});

test("a key that does not belong to the certificate, or is not there, is named at the start", async () => {
  const foreign = await listenWith({ cert: own.cert, key: selfSigned().key });
  await expect(startBench({ engines, more: { listen: foreign } })).rejects.toThrow(/key\.pem/);
  const tls = { cert: join(folder, "none.pem"), key: join(folder, "none.pem") };
  const missing = startBench({ engines, more: { listen: { port: 0, tls } } });
  await expect(missing).rejects.toThrow(/none\.pem cannot be read \(ENOENT\)/);
});
