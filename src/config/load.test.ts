import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { Config } from "./config.ts";
import { loadConfig, parseConfig, type ConfigSources } from "./load.ts";
import { formatProblem } from "./problem.ts";
import { MASK, showConfig } from "./show.ts";

const TWO_ENGINES = `engines:
  - { url: http://127.0.0.1:8001/v1, model: small }
  - { url: http://127.0.0.1:8002/v1, model: large, confidence: 0.7, maxConcurrency: 16 }
`;

function sources(parts: Partial<ConfigSources> = {}): ConfigSources {
  return { file: "chimera.yaml", environment: {}, flags: {}, ...parts };
}

function accepted(text: string, parts: Partial<ConfigSources> = {}): Config {
  const result = parseConfig(text, sources(parts));
  if (!result.ok) throw new Error(result.problems.map(formatProblem).join("\n"));
  return result.config;
}

function refused(text: string, parts: Partial<ConfigSources> = {}): string[] {
  const result = parseConfig(text, sources(parts));
  return result.ok ? [] : result.problems.map(formatProblem);
}

describe("a configuration of three lines", () => {
  const config = accepted(TWO_ENGINES);

  it("is complete", () => {
    expect(config.listen).toEqual({ host: "127.0.0.1", port: 8080, open: false, tls: null });
    expect(config.engines[0]).toMatchObject({
      name: "small",
      model: "small",
      upstreamModel: "small",
      url: "http://127.0.0.1:8001/v1",
      kind: "openai",
      confidence: 0.5,
      maxConcurrency: 16,
      apiKey: null,
      headers: {},
      priority: "none",
      responses: false,
      speedIsMeasured: false,
    });
    expect(config.engines[1]?.confidence).toBe(0.7);
    expect(config.models).toEqual([
      { name: "chimera", candidates: ["small", "large"], knobs: null },
    ]);
    expect(config.policy).toEqual({
      choice: "auto",
      order: "smith-age",
      assign: "workflow",
      price: 0.2,
      slack: null,
      minGain: 0.1,
      ownWork: false,
      target: null,
      countsRunning: true,
      countsDelay: true,
      liveBatch: true,
      orderBy: "choice",
      starvationThreshold: 0,
      starvationQuantum: 10,
      ageScale: 10,
      lateChoiceRequestsMax: 48,
      stickinessBonus: null,
    });
    expect(config.store.path).toBe("./.chimera/traces.db");
    expect(config.prediction.budgetMs).toBe(20);
  });

  it("is frozen to the leaves", () => {
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.engines[0]?.timeouts)).toBe(true);
    expect(Object.isFrozen(config.models[0]?.candidates)).toBe(true);
  });
});

describe("the example file", () => {
  const example = new URL("../../chimera.example.yaml", import.meta.url);

  it("is accepted and states the defaults", async () => {
    const text = await readFile(example, "utf8");
    const config = accepted(text, { environment: { SMALL_ENGINE_KEY: "k-123" } });
    const plain = accepted(TWO_ENGINES);
    const { listen, policy, prediction, limits, store, log, seed } = plain;
    expect(config).toMatchObject({ listen, policy, prediction, limits, store, log, seed });
    expect(config.engines.map(({ name }) => name)).toEqual(["small", "large", "large-2"]);
    expect(config.engines[0]?.apiKey).toBe("k-123");
    expect(config.engines[2]?.confidence).toBe(0.7);
    expect(config.engines[1]?.kvTokens).toBe(config.engines[0]?.kvTokens);
    expect(config.engines[1]?.timeouts).toEqual(config.engines[0]?.timeouts);
  });

  it("names every variable that is read", async () => {
    const { VARIABLES } = await import("./overrides.ts");
    const text = await readFile(example, "utf8");
    for (const { name } of VARIABLES) expect(text).toContain(name);
  });
});

describe("problems", () => {
  it("come all at once, in the order of the file, each with line, column and key", () => {
    const text = `listen: nowhere
engines:
  - { url: ftp://host, model: small, maxConcurency: 4 }
  - model: large
    confidence: 1.5
    kind: vlm
models:
  - { name: small, candidates: [small, larg] }
limits: { bodyBytesMax: 10 }
`;
    expect(refused(text)).toEqual([
      'chimera.yaml:1:9: listen: must be a port or "host:port", such as 8080 or "0.0.0.0:8080"',
      'chimera.yaml:3:12: engines[0].url: must be the base of an OpenAI-compatible API, such as "http://127.0.0.1:8001/v1", without credentials or query',
      "chimera.yaml:3:38: engines[0].maxConcurency: is not a known key; did you mean maxConcurrency?",
      'chimera.yaml:4:5: engines[1].url: is missing; give the base of an OpenAI-compatible API, such as "http://127.0.0.1:8001/v1", without credentials or query',
      "chimera.yaml:5:17: engines[1].confidence: must be a number from 0 to 1, the share of tasks that the model is expected to solve, not 1.5",
      "chimera.yaml:6:11: engines[1].kind: must be one of vllm, sglang, llama.cpp, ollama, tgi, transformers, openai; did you mean vllm?",
      "chimera.yaml:8:13: models[0].name: is the model of engines[0] too; give it another name",
      "chimera.yaml:8:40: models[0].candidates[1]: must be a model that an engine serves; did you mean large?",
      "chimera.yaml:9:25: limits.bodyBytesMax: must be a whole number from 1024 to 1073741824, bytes, not 10",
    ]);
  });

  it.each([
    [
      "",
      "chimera.yaml:1:1: engines: is missing; give a list of 1 to 1000 engines, each with a url and a model",
    ],
    [
      "engines: []",
      "chimera.yaml:1:10: engines: must be a list of 1 to 1000 engines, each with a url and a model",
    ],
    ["- 1", "chimera.yaml:1:1: must be a mapping with at least the key engines"],
    ["engines: [", "chimera.yaml:1:11: is not YAML: "],
    ["a: 1\na: 2", "chimera.yaml:2:1: is not YAML: map keys must be unique"],
    ["a: *b", "chimera.yaml:1:4: has an alias that cannot be resolved"],
    [
      `${TWO_ENGINES}engine: 1`,
      "chimera.yaml:4:1: engine: is not a known key; did you mean engines?",
    ],
    [
      `${TWO_ENGINES}zzz: 1`,
      "chimera.yaml:4:1: zzz: is not a known key; known here: listen, keys, admin, engines, ",
    ],
    [`${TWO_ENGINES}policy: fast`, "chimera.yaml:4:9: policy: must be a mapping such as"],
    [
      `${TWO_ENGINES}policy: { starvation_threshold: 3 }`,
      "policy.starvation_threshold: is not a known key; did you mean starvationThreshold?",
    ],
    [
      `${TWO_ENGINES}seed: 1.5`,
      "seed: must be a whole number from 0 to 4294967295, the start of every random choice, not 1.5",
    ],
  ])("%j is answered with a sentence", (text, expected) => {
    expect(refused(text)[0]).toContain(expected);
  });

  it.each([
    [
      "{ url: http://h/v1, model: a, name: x }, { url: http://h/v1, model: b, name: x }",
      "engines[1].name: is the name of engines[0] too",
    ],
    ["{ url: http://h/v1, model: chimera }", "engines[0].model: chimera stands for all models"],
    [
      "{ url: http://h/v1, model: a, confidence: 0.1 }, { url: http://i/v1, model: a, confidence: 0.2 }",
      "engines[1].confidence: differs from that of engines[0]",
    ],
    [
      "{ url: http://h/v1, model: a, kind: transformers, priority: vllm }",
      "engines[0].priority: must be none",
    ],
    ["{ url: http://user:secret@h/v1, model: a }", "engines[0].url: must be the base"],
    ["{ url: http://h/v1, model: 7 }", "engines[0].model: must be text of at most 128 characters"],
    [
      "{ url: http://h/v1, model: a, headers: { 'x y': z } }",
      "engines[0].headers.x y: is not a header name",
    ],
    [
      '{ url: http://h/v1, model: a, headers: { x: "a\\r\\nb" } }',
      "engines[0].headers.x: must be text of one line",
    ],
    [
      '{ url: http://h/v1, model: a, apiKey: "a\\nb" }',
      "engines[0].apiKey: must be the engine's key",
    ],
    [
      "{ url: http://h/v1, model: a, speed: { baseMs: 0 } }",
      "engines[0].speed.baseMs: must be a number above 0",
    ],
  ])("engines [%s] are refused", (engines, expected) => {
    expect(refused(`engines: [${engines}]`)).toHaveLength(1);
    expect(refused(`engines: [${engines}]`)[0]).toContain(expected);
  });

  it.each([
    ["{ name: v, candidates: [] }", "models[0].candidates: must be a list of at least one model"],
    ["{ name: v, candidates: [small, small] }", "models[0].candidates[1]: is listed twice"],
    ["{ name: v }, { name: v }", "models[1].name: is the name of models[0] too"],
    ["{ name: chimera }, { name: chimera }", "models[1].name: is the name of models[0] too"],
  ])("models [%s] are refused", (models, expected) => {
    expect(refused(`${TWO_ENGINES}models: [${models}]`)[0]).toContain(expected);
  });

  it("tell of nesting without end, and of nesting too deep", () => {
    const nesting = "[".repeat(100) + "]".repeat(100);
    const deep = [...refused("seed: &x [*x, *x]"), ...refused(`seed: ${nesting}`)];
    const told = deep.filter((line) => line.includes("is nested too deeply; flatten it"));
    expect(told).toHaveLength(3);
    expect(told[0]).toContain("chimera.yaml:1:11: seed[0]: ");
    expect(refused(`seed: ${"[".repeat(50_000)}`)[0]).toContain("is not YAML");
  });

  it("never hold a secret", () => {
    const text = `engines: [{ url: "\${S}", model: "\${S}", kind: "\${S}", apiKey: "\${S}", maxConcurrency: "\${S}" }]`;
    const lines = refused(text, { environment: { S: "hunter two" } });
    expect(lines).toHaveLength(5);
    expect(lines.join("\n")).not.toContain("hunter");
  });

  it("are values whatever the text is", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(typeof parseConfig(text, sources()).ok).toBe("boolean");
      }),
    );
  });
});

describe("names", () => {
  it("of replicas are numbered around those that are given", () => {
    const config = accepted(`engines:
  - { url: http://a, model: m }
  - { url: http://b, model: m, name: m-2 }
  - { url: http://c/, model: m }
  - { url: http://d/x/, model: n, upstreamModel: org/n }
`);
    expect(config.engines.map(({ name }) => name)).toEqual(["m", "m-2", "m-3", "n"]);
    expect(config.engines.map(({ url }) => url)).toEqual([
      "http://a/v1",
      "http://b/v1",
      "http://c/v1",
      "http://d/x",
    ]);
    expect(config.engines[3]?.upstreamModel).toBe("org/n");
  });

  it("of virtual models may take chimera over", () => {
    const config = accepted(`${TWO_ENGINES}models:
  - { name: chimera, candidates: [large], price: 0.1 }
  - { name: any }
`);
    expect(config.models).toEqual([
      { name: "chimera", candidates: ["large"], knobs: { price: 0.1 } },
      { name: "any", candidates: ["small", "large"], knobs: null },
    ]);
  });
});

describe("the policy", () => {
  it("has the paper's numbers where the paper's rule chooses", () => {
    expect(accepted(`${TWO_ENGINES}policy: { choice: paper }`).policy).toMatchObject({
      order: "stjf",
      slack: 1,
      minGain: 0.1,
      starvationThreshold: 200,
      starvationQuantum: 10,
    });
  });

  it("keeps what is written, null included", () => {
    const text = `${TWO_ENGINES}policy: { choice: paper, slack: null, order: fcfs, starvationThreshold: 0 }`;
    const { policy } = accepted(text);
    expect(policy).toMatchObject({ slack: null, order: "fcfs", starvationThreshold: 0 });
  });
});

describe("environment and flags", () => {
  it("beat the file, flags first", () => {
    const text = `${TWO_ENGINES}listen: "[::1]:9000"\npolicy: { price: 0.3 }`;
    const environment = { CHIMERA_PRICE: "0.4", CHIMERA_LOG_LEVEL: "debug", CHIMERA_SEED: "" };
    const config = accepted(text, { environment, flags: { price: "0.1", port: 9001 } });
    expect(config.listen).toMatchObject({ host: "::1", port: 9001 });
    expect(config.policy.price).toBe(0.1);
    expect(config.log.level).toBe("debug");
    expect(config.seed).toBe(1);
  });

  it("switch things off by the word off", () => {
    const environment = { CHIMERA_STORE_PATH: "off", CHIMERA_SLACK: "off" };
    const config = accepted(`${TWO_ENGINES}policy: { choice: paper }`, { environment });
    expect(config.store.path).toBeNull();
    expect(config.policy.slack).toBeNull();
    expect(accepted(TWO_ENGINES, { flags: { store: "off" } }).store.path).toBeNull();
  });

  it("are named as the source of what is wrong in them", () => {
    const environment = { CHIMERA_PRICE: "cheap", CHIMERA_PRISE: "1", CHIMERA_PORT: "tcp://x:1" };
    expect(refused(TWO_ENGINES, { environment, flags: { port: "x" } })).toEqual([
      'flag --port: listen: must be a port or "host:port", such as 8080 or "0.0.0.0:8080"',
      "environment variable CHIMERA_PRICE: policy.price: must be a number from 0 to 100, what one unloaded completion time costs in units of score",
      "environment variable CHIMERA_PRISE: is not a known variable; did you mean CHIMERA_PRICE?",
    ]);
  });

  it("fill references, and name those that are not set", () => {
    const text = `engines:
  - url: "http://\${HOST}:8001"
    model: "a$\${b}"
    apiKey: \${KEY}
`;
    const config = accepted(text, { environment: { HOST: "h", KEY: "12345" } });
    expect(config.engines[0]).toMatchObject({
      url: "http://h:8001/v1",
      model: "a${b}",
      apiKey: "12345",
    });
    expect(refused(text, { environment: { HOST: "h" } })).toEqual([
      "chimera.yaml:4:13: engines[0].apiKey: needs the environment variable KEY, which is not set; set it, or write $${KEY} for the text itself",
    ]);
  });
});

describe("loadConfig", () => {
  it("reads a file, and says so when there is none", async () => {
    const folder = await mkdtemp(join(tmpdir(), "chimera-config-"));
    try {
      const file = join(folder, "chimera.yaml");
      const missing = await loadConfig(sources({ file }));
      expect(missing.ok ? null : missing.problems[0]?.message).toBe(
        "does not exist; give the path of a configuration file",
      );
      await writeFile(file, TWO_ENGINES);
      expect((await loadConfig(sources({ file }))).ok).toBe(true);
      expect((await loadConfig(sources({ file: folder }))).ok).toBe(false);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

describe("showConfig", () => {
  it("masks keys and header values alone", () => {
    const config = accepted(
      "engines: [{ url: http://h, model: m, apiKey: s3cret, headers: { x-a: s3cret } }]",
    );
    const shown = showConfig(config);
    expect(JSON.stringify(shown)).not.toContain("s3cret");
    expect(shown.engines[0]).toMatchObject({ apiKey: MASK, headers: { "x-a": MASK } });
    expect(shown.engines[0]?.url).toBe("http://h/v1");
    expect(showConfig(accepted(TWO_ENGINES))).toEqual(accepted(TWO_ENGINES));
  });
});
