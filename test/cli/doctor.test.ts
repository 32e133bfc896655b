import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { doctor } from "../../src/cli/doctor.ts";
import type { Finding } from "../../src/cli/finding.ts";
import { nodeFinding } from "../../src/cli/host-findings.ts";
import { KeptPrinter } from "./kept-printer.ts";
import { listing, StubEngines } from "./stub-engine.ts";

let folder = "";
const engines = new StubEngines();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "chimera-doctor-"));
});
afterEach(() => engines.stop());
afterAll(() => rm(folder, { recursive: true }));

const SPEED = { baseMs: 10 };

async function seen(document: object): Promise<{ code: number; findings: Finding[] }> {
  const config = join(folder, "chimera.yaml");
  const store = { path: join(folder, "store/traces.db") };
  await writeFile(config, JSON.stringify({ listen: "127.0.0.1:0", store, ...document }));
  const printer = new KeptPrinter();
  const code = await doctor({ config, json: true }, printer);
  const { findings } = JSON.parse(printer.text);
  return { code, findings };
}

function wrong(findings: readonly Finding[]): Finding[] {
  return findings.filter(({ status }) => status !== "ok");
}

test("nothing is said against a deployment that is well", async () => {
  const { url } = await engines.start(listing("vllm", "small"));
  const { code, findings } = await seen({
    engines: [{ url, model: "small", kind: "vllm", speed: SPEED }],
  });
  expect(wrong(findings)).toEqual([]);
  expect(code).toBe(0);
});

test("an engine that is not there, one without its model, one of another kind", async () => {
  const other = await engines.start(listing("vllm", "large"));
  const { code, findings } = await seen({
    engines: [
      { url: "http://127.0.0.1:1/v1", model: "gone", speed: SPEED },
      { url: other.url, model: "small", speed: SPEED },
    ],
  });
  expect(code).toBe(1);
  expect(wrong(findings)).toMatchObject([
    { about: "confidence", status: "warn" },
    { about: "engine gone", status: "fail", message: expect.stringContaining("cannot be reached") },
    { about: "engine small", status: "fail", message: expect.stringContaining("it has large") },
    { about: "engine small", status: "warn", mend: "set `kind: vllm`" },
  ]);
});

test("limits and speeds that could be better are warnings, with what to write", async () => {
  const llama = await engines.start({
    ...listing("llamacpp", "small"),
    "/props": { total_slots: 32, default_generation_settings: { n_ctx: 4096 } },
  });
  const { code, findings } = await seen({
    engines: [{ url: llama.url, model: "small", kind: "llama.cpp" }],
  });
  expect(code).toBe(0);
  expect(wrong(findings)).toMatchObject([
    { mend: "set `maxConcurrency: 32`" },
    { mend: expect.stringContaining("chimera profile small --write") },
  ]);
});

test("a taken port, a store that is none, a model file that is not there", async () => {
  const { url } = await engines.start(listing("vllm", "small"));
  const taken = createServer();
  await once(taken.listen(0, "127.0.0.1"), "listening");
  const address = taken.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  const path = join(folder, "no-store.db");
  await writeFile(
    path,
    "this is not a database, but a text that is long enough to be taken for one",
  );
  const { code, findings } = await seen({
    listen: `127.0.0.1:${port}`,
    engines: [{ url, model: "small", kind: "vllm", speed: SPEED }],
    store: { path },
    prediction: { lengthModel: "none.bin" },
  });
  taken.close();
  expect(code).toBe(1);
  expect(wrong(findings)).toMatchObject([
    { about: "listen", status: "warn" },
    { about: "store", status: "fail" },
    { about: "predictors", status: "fail" },
  ]);
});

test("a config with mistakes is told by its lines, as text", async () => {
  const config = join(folder, "bad.yaml");
  await writeFile(config, "engines:\n  - { url: nonsense, model: a }\n");
  const printer = new KeptPrinter();
  expect(await doctor({ config, json: false }, printer)).toBe(1);
  expect(printer.text).toMatch(/fail {2}config: .*bad\.yaml:2:/);
  expect(printer.text).toContain("-> see docs/configuration.md");
});

test.each([
  ["18.20.0", "fail"],
  ["20.18.3", "fail"],
  ["20.19.0", "ok"],
  ["24.0.0", "ok"],
])("node %s is %s", (version, status) => expect(nodeFinding(version).status).toBe(status));
