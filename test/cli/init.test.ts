import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { init, type InitFlags } from "../../src/cli/init.ts";
import type { Environment } from "../../src/config/environment.ts";
import { parseConfig } from "../../src/config/load.ts";
import { KeptPrinter } from "./kept-printer.ts";
import { listing, StubEngines } from "./stub-engine.ts";

let folder = "";
const engines = new StubEngines();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "chimera-init-"));
});
afterEach(() => engines.stop());
afterAll(() => rm(folder, { recursive: true }));

interface Run {
  readonly flags?: Partial<InitFlags>;
  readonly environment?: Environment;
  readonly answers?: string[];
}

async function run({ flags, environment = {}, answers }: Run) {
  const printer = new KeptPrinter();
  const ask = answers === undefined ? null : () => Promise.resolve(answers.shift() ?? "");
  const all = {
    config: join(folder, "none.yaml"),
    ports: [],
    force: false,
    stdout: true,
    ...flags,
  };
  return { code: await init(all, { printer, environment, ask }), printer };
}

function configOf(text: string, environment: Environment = {}) {
  const parsed = parseConfig(text, { file: "made.yaml", environment, flags: {} });
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  return parsed.config;
}

test("engines of every kind are found and written with what they tell of themselves", async () => {
  const vllm = await engines.start(listing("vllm", "Qwen/Qwen3-8B"));
  const llama = await engines.start({
    ...listing("llamacpp", "/models/small.gguf"),
    "/props": { total_slots: 4, default_generation_settings: { n_ctx: 4096 } },
  });
  const other = await engines.start({ "/v1/models": { hello: "world" } });
  const ports = [vllm.port, llama.port, other.port];
  const { code, printer } = await run({ flags: { ports } });
  expect(code).toBe(0);
  expect(configOf(printer.text).engines).toMatchObject([
    { url: vllm.url, model: "Qwen/Qwen3-8B", kind: "vllm", maxConcurrency: 16 },
    {
      url: llama.url,
      model: "small",
      upstreamModel: "/models/small.gguf",
      kind: "llama.cpp",
      maxConcurrency: 4,
    },
  ]);
});

test("a hosted API is asked with its key, which the config only names", async () => {
  const hosted = await engines.start(listing("system", "a", "b", "c", "d", "e", "has space"));
  const environment = { OPENAI_BASE_URL: `${hosted.url}/`, OPENAI_API_KEY: "sk-secret" };
  const { printer } = await run({ environment });
  expect(hosted.seen[0]?.authorization).toBe("Bearer sk-secret");
  expect(printer.text).not.toContain("sk-secret");
  expect(printer.text).toContain(`# ${hosted.url} also has "e", "has space"`);
  const config = configOf(printer.text, environment);
  expect(config.engines.map(({ model }) => model)).toEqual(["a", "b", "c", "d"]);
  expect(config.engines[0]?.apiKey).toBe("sk-secret");
});

test("a gateway is no engine, and without any the config says what to fill in", async () => {
  const gateway = await engines.start(listing("chimera", "chimera", "small"));
  const { code, printer } = await run({ flags: { ports: [gateway.port] } });
  expect(code).toBe(0);
  expect(printer.text).toContain("No engine answered");
  expect(configOf(printer.text).engines).toHaveLength(1);
});

test("a person is asked which models to use and how good they are", async () => {
  const vllm = await engines.start(listing("vllm", "one", "two"));
  const answers = ["", "0.7", "no"];
  const { printer } = await run({ flags: { ports: [vllm.port] }, answers });
  expect(configOf(printer.text).engines).toMatchObject([{ model: "one", confidence: 0.7 }]);
  expect(answers).toEqual([]);
});

test("a file that is there stays, unless it is to be replaced, and then it is kept", async () => {
  const config = join(folder, "chimera.yaml");
  await writeFile(config, "mine");
  const refused = await run({ flags: { config, stdout: false } });
  expect(refused.code).toBe(1);
  expect(await readFile(config, "utf8")).toBe("mine");
  const forced = await run({ flags: { config, stdout: false, force: true } });
  expect(forced.code).toBe(0);
  expect(configOf(await readFile(config, "utf8")).engines).toHaveLength(1);
  expect(await readFile(`${config}.previous`, "utf8")).toBe("mine");
  expect(forced.printer.remarks.join("\n")).toContain("chimera doctor");
});
