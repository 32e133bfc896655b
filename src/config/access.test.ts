import { describe, expect, it } from "vitest";
import { createApiKey, hashApiKey, isApiKey, isApiKeyHash } from "./api-key.ts";
import { isLoopbackHost } from "./listen.ts";
import { parseConfig, type ConfigSources } from "./load.ts";
import { formatProblem } from "./problem.ts";
import { MASK, showConfig } from "./show.ts";

const { hash } = createApiKey();
const other = createApiKey().hash;

function parse(more: object, parts: Partial<ConfigSources> = {}) {
  const document = { engines: [{ url: "http://a", model: "small" }], ...more };
  return parseConfig(JSON.stringify(document), {
    file: "test",
    environment: {},
    flags: {},
    ...parts,
  });
}

function problemsOf(more: object, parts: Partial<ConfigSources> = {}): string[] {
  const parsed = parse(more, parts);
  return parsed.ok ? [] : parsed.problems.map(formatProblem);
}

describe("a key", () => {
  it("has 256 random bits, and a hash that does not show them", () => {
    const made = createApiKey();
    expect(isApiKey(made.key)).toBe(true);
    expect(isApiKeyHash(made.hash)).toBe(true);
    expect(made.hash).toBe(hashApiKey(made.key));
    expect(createApiKey().key).not.toBe(made.key);
  });

  it.each(["", "secret", "ck-short", `ck-${"a".repeat(44)}`, `ck-${"a".repeat(42)}\n`])(
    "is not %j",
    (text) => expect(isApiKey(text)).toBe(false),
  );

  it("may be limited, and has no limits unless they are given", () => {
    const parsed = parse({ keys: [{ name: "a", hash }] });
    expect(parsed.ok && parsed.config.keys).toEqual([
      {
        name: "a",
        hash,
        models: null,
        classMax: "interactive",
        requestsPerMinute: null,
        tokensPerMinute: null,
        concurrency: null,
        weight: 1,
      },
    ]);
  });

  it("is masked where people look", () => {
    const parsed = parse({ keys: [{ name: "a", hash }], admin: { hash: other } });
    if (!parsed.ok) throw new Error("refused");
    const shown = showConfig(parsed.config);
    expect([shown.keys[0]?.hash, shown.admin.hash]).toEqual([MASK, MASK]);
  });

  it("is refused with a name, a hash or a model that cannot be", () => {
    const keys = [
      { name: "a", hash },
      { name: "a", hash: other, models: ["smal"] },
      { name: "b", hash },
      { name: "c", hash: "hunter2", classMax: "huge" },
    ];
    const problems = problemsOf({ keys }).join("\n");
    expect(problems).toContain("keys[1].name: is the name of keys[0] too");
    expect(problems).toContain("keys[1].models[0]: must be a model or a virtual model; did you");
    expect(problems).toContain("keys[2].hash: is the hash of keys[0] too");
    expect(problems).toContain("keys[3].hash: must be a hash of `chimera key new`");
    expect(problems).toContain("keys[3].classMax: must be one of system");
    expect(problems).not.toContain("hunter2");
  });
});

describe("an address beyond loopback", () => {
  const reachable = [
    "0.0.0.0:8080",
    "[::]:8080",
    "10.0.0.1:8080",
    "gateway.internal:8080",
    "[::ffff:10.0.0.1]:8080",
    { host: "0.0.0.0" },
  ];

  it.each(reachable)("is refused without keys: %j", (listen) => {
    expect(problemsOf({ listen }).join()).toContain("listen: ");
    expect(problemsOf({ listen }).join()).toContain("without keys");
    expect(problemsOf({ listen, keys: [{ name: "a", hash }] })).toEqual([]);
  });

  it("may be asked for, by the file, a flag or the environment", () => {
    expect(problemsOf({ listen: { host: "0.0.0.0", port: 1, open: true } })).toEqual([]);
    const listen = "0.0.0.0:1";
    expect(problemsOf({ listen }, { flags: { open: true } })).toEqual([]);
    expect(problemsOf({ listen }, { environment: { CHIMERA_LISTEN_OPEN: "true" } })).toEqual([]);
    expect(problemsOf({ listen }, { environment: { CHIMERA_LISTEN_OPEN: "no" } })).not.toEqual([]);
    const parsed = parse({}, { flags: { listen, open: true } });
    expect(parsed.ok && parsed.config.listen).toMatchObject({ host: "0.0.0.0", open: true });
  });

  it("by a flag keeps what the file says of the listener", () => {
    const tls = { cert: "c.pem", key: "k.pem" };
    const parsed = parse({ listen: { host: "::1", port: 1, tls } }, { flags: { port: 2 } });
    expect(parsed.ok && parsed.config.listen).toEqual({ host: "::1", port: 2, open: false, tls });
  });

  it.each([
    ["localhost", true],
    ["127.8.0.1", true],
    ["::1", true],
    ["::ffff:127.0.0.1", true],
    ["127.1", false],
    ["localhost.example", false],
  ])("%s: %s", (host, expected) => expect(isLoopbackHost(host)).toBe(expected));
});

describe("an engine at a link-local or metadata address", () => {
  it.each([
    "http://169.254.169.254/latest",
    "http://2852039166/",
    "http://0xa9.0xfe.0xa9.0xfe/",
    "http://0251.0376.0251.0376/",
    "http://[::ffff:169.254.169.254]/",
    "http://[fe80::1]/",
    "http://[fd00:ec2::254]/",
    "http://100.100.100.200/",
    "http://0.0.0.0/",
    "http://[::]/",
    "http://224.0.0.1/",
  ])("%s is refused unless it is allowed", (url) => {
    const engine = { url, model: "small" };
    expect(problemsOf({ engines: [engine] }).join()).toContain("engines[0].url: is a link-local");
    expect(problemsOf({ engines: [{ ...engine, allowLinkLocal: true }] })).toEqual([]);
  });

  it.each(["http://127.0.0.1/", "http://10.0.0.1/", "http://[fd12::1]/", "http://engine/"])(
    "%s is none",
    (url) => expect(problemsOf({ engines: [{ url, model: "small" }] })).toEqual([]),
  );
});

it("a configuration cannot change the prototype of what is made of it", () => {
  const text = `{"engines":[{"url":"http://a","model":"small"}],"__proto__":{"polluted":1},"log":{"__proto__":{"polluted":1}}}`;
  const parsed = parseConfig(text, { file: "test", environment: {}, flags: {} });
  expect(Reflect.get({}, "polluted")).toBeUndefined();
  expect(parsed.ok && Reflect.get(parsed.config, "polluted")).toBeFalsy();
});
