import { once } from "node:events";
import { createServer } from "node:http";
import type { LookupAddress } from "node:dns";
import { afterEach, describe, expect, it } from "vitest";
import { EngineClient } from "./client.ts";
import { guardedLookup } from "./guarded-lookup.ts";

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

function found(addresses: readonly string[], all: boolean): Promise<unknown> {
  const answers: LookupAddress[] = addresses.map((address) => ({ address, family: 4 }));
  const look = guardedLookup(
    (address) => address !== "169.254.169.254",
    (_hostname, _options, answer) => answer(null, answers),
  );
  return new Promise((resolve) => {
    look("engine", { all }, (error, address) => resolve(error === null ? address : error.message));
  });
}

describe("a guarded lookup", () => {
  it("leaves out what must not be connected to", async () => {
    const both = ["169.254.169.254", "10.0.0.1"];
    expect(await found(both, false)).toBe("10.0.0.1");
    expect(await found(both, true)).toEqual([{ address: "10.0.0.1", family: 4 }]);
    expect(await found(["169.254.169.254"], true)).toContain("no engine may be");
    expect(await found([], false)).toContain("no engine may be");
  });

  it("stands before every connection to an engine", async () => {
    let connections = 0;
    const server = createServer((_request, response) => response.end("well"));
    server.on("connection", () => connections++);
    server.listen(0, "localhost");
    await once(server, "listening");
    closing.push(() => new Promise((resolve) => server.close(resolve)));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : 0;
    const asked: string[] = [];
    const reply = async (isAllowed: boolean): Promise<unknown> => {
      const client = new EngineClient(endpointAt(`http://localhost:${port}`), undefined, (each) => {
        asked.push(each);
        return isAllowed;
      });
      closing.push(() => client.destroy());
      return client.getText("/health");
    };
    expect(await reply(false)).toMatchObject({ status: null, failure: { kind: "connect" } });
    expect(connections).toBe(0);
    expect(await reply(true)).toMatchObject({ status: 200, body: "well" });
    expect(asked.length).toBeGreaterThan(1);
  });
});

function endpointAt(url: string): EngineClient["endpoint"] {
  return {
    name: "e",
    url,
    kind: "openai",
    upstreamModel: "m",
    apiKey: null,
    headers: {},
    timeouts: { connectMs: 5000, headersMs: 5000, idleMs: 5000, totalMs: 5000 },
    priority: "none",
  };
}
