import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  clientWorkflowId,
  identify,
  scopedWorkflowId,
  type Identity,
  type IdentityOptions,
} from "./identity.ts";
import { testSeed } from "../../test/seed.ts";
import { firstMessages, mintRuns } from "../../test/workflow/mint-runs.ts";
import { readPrompt } from "./prompt.ts";
import type { RequestHeaders } from "./request-headers.ts";

const KEY = "team-a";
const CHAT = { model: "chimera", messages: [{ role: "user", content: "Hello" }] };

function read(headers: RequestHeaders, body: unknown = CHAT, options?: IdentityOptions): Identity {
  const identity = identify({ headers, body, prompt: readPrompt(body), keyScope: KEY }, options);
  if ("problem" in identity) throw new Error(identity.problem);
  return identity;
}

function problemOf(headers: RequestHeaders): string | null {
  const identity = identify({ headers, body: CHAT, prompt: readPrompt(CHAT), keyScope: KEY });
  return "problem" in identity ? identity.problem : null;
}

function idOf(identity: Identity): string | null {
  return identity.workflowId === null ? null : clientWorkflowId(identity.workflowId);
}

function parentOf(identity: Identity): string | null {
  return identity.parentWorkflowId === null ? null : clientWorkflowId(identity.parentWorkflowId);
}

const UUID = "0f8a1f0e-2f7e-4d3c-9a51-7a2b1f0c9d11";

describe("sessions in headers", () => {
  const rows: [string, RequestHeaders, string, string | null, string][] = [
    ["generic", { "x-session-id": "s1" }, "s1", null, "session"],
    ["llama.cpp web UI", { "x-conversation-id": "c1" }, "c1", null, "conversation"],
    ["Claude Code", { "x-claude-code-session-id": "s" }, "s", null, "claude-code"],
    [
      "Claude Code, subagent",
      { "x-claude-code-session-id": "s", "x-claude-code-agent-id": "a" },
      "s:a",
      "s",
      "claude-code",
    ],
    [
      "Claude Code, subagent of a subagent",
      {
        "x-claude-code-session-id": "s",
        "x-claude-code-agent-id": "b",
        "x-claude-code-parent-agent-id": "a",
      },
      "s:b",
      "s:a",
      "claude-code",
    ],
    ["Codex CLI", { "session-id": "s" }, "s", null, "codex"],
    ["Codex CLI, older", { session_id: "s" }, "s", null, "codex"],
    ["Codex CLI, thread", { "session-id": "s", "thread-id": "t" }, "s:t", "s", "codex"],
    ["Codex CLI, lead thread", { "session-id": "s", "thread-id": "s" }, "s", null, "codex"],
    ["Codex CLI, thread alone", { "thread-id": "t" }, "t", null, "codex"],
    ["OpenCode", { "x-session-affinity": "s" }, "s", null, "opencode"],
    [
      "OpenCode with parent",
      { "x-session-id": "s", "x-parent-session-id": "p" },
      "s",
      "p",
      "session",
    ],
    ["Qwen Code", { "X-Qwen-Code-Session-Id": "q" }, "q", null, "qwen-code"],
    ["Amp", { "X-Amp-Thread-Id": "t" }, "t", null, "amp"],
    ["pi", { "X-Client-Request-Id": "p" }, "p", null, "pi"],
    ["LiteLLM trace", { "x-litellm-trace-id": "t" }, "t", null, "litellm"],
    ["LiteLLM session", { "x-litellm-session-id": "s" }, "s", null, "litellm"],
    ["LiteLLM, any vendor", { "x-acme-session-id": "12345678" }, "12345678", null, "vendor"],
    ["Bifrost", { "x-bf-session-id": "b", "x-bf-session-ttl": "60" }, "b", null, "bifrost"],
    [
      "Dynamo",
      { "X-Dynamo-Session-ID": "d", "X-Dynamo-Parent-Session-ID": "p" },
      "d",
      "p",
      "dynamo",
    ],
    ["llm-d", { "x-llm-d-inference-fairness-id": "f" }, "f", null, "llm-d"],
    ["llm-d, older", { "x-gateway-inference-fairness-id": "f" }, "f", null, "llm-d"],
    ["llm-d token", { "x-session-token": "t" }, "t", null, "llm-d"],
    ["SMG", { "X-SMG-Routing-Key": "r", "X-SMG-Target-Worker": "3" }, "r", null, "smg"],
    ["AIBrix", { "x-aibrix-session-key": "k" }, "k", null, "aibrix"],
    ["Envoy AI Gateway", { "agent-session-id": "e" }, "e", null, "envoy"],
    ["Portkey", { "x-portkey-trace-id": "t" }, "t", null, "portkey"],
    [
      "Portkey metadata",
      { "x-portkey-metadata": '{"_user":"u","session_id":"m"}' },
      "m",
      null,
      "portkey-metadata",
    ],
    ["NeMo Agent Toolkit", { "x-prefix-id": "n" }, "n", null, "nemo"],
    [
      "ours",
      { "x-chimera-workflow-id": "w", "x-chimera-parent-workflow-id": "p" },
      "w",
      "p",
      "chimera",
    ],
  ];
  it.each(rows)("%s", (_, headers, id, parent, source) => {
    for (const change of [(name: string) => name, upper, lower]) {
      const cased = Object.fromEntries(
        Object.entries(headers).map(([name, value]) => [change(name), value]),
      );
      const identity = read(cased);
      expect([idOf(identity), parentOf(identity), identity.source]).toEqual([id, parent, source]);
    }
  });

  it("takes the header that the operator named", () => {
    const options = { sessionHeader: "X-User-Chat", objectives: new Map() };
    const identity = read({ "x-user-chat": "u1", "x-session-id": "s" }, CHAT, options);
    expect([idOf(identity), identity.source]).toEqual(["u1", "configured"]);
  });

  it("asks for eight characters of an unknown vendor and takes no parent for a session", () => {
    expect(read({ "x-acme-session-id": "1234567" }).source).toBe("none");
    expect(read({ "x-acme-parent-session-id": "123456789" }).source).toBe("none");
  });

  it("takes the first value of a repeated header", () => {
    expect(idOf(read({ "x-session-id": ["a", "b"] }))).toBe("a");
    expect(read({ "x-session-id": [], "x-conversation-id": undefined }).source).toBe("none");
  });
});

describe("sessions in the body", () => {
  const rows: [string, object, string, string | null, string][] = [
    ["metadata", { metadata: { session_id: "m" } }, "m", null, "openai-metadata"],
    ["conversation", { conversation: "conv_1" }, "conv_1", null, "openai"],
    ["conversation object", { conversation: { id: "conv_2" } }, "conv_2", null, "openai"],
    [
      "Claude Code's user_id",
      { metadata: { user_id: `user_ab12_account__session_${UUID}` } },
      UUID,
      null,
      "claude-code-user",
    ],
    [
      "Claude Code's newer user_id",
      { metadata: { user_id: JSON.stringify({ device_id: "d", session_id: UUID }) } },
      UUID,
      null,
      "claude-code-user",
    ],
    ["TensorZero", { "tensorzero::episode_id": "ep" }, "ep", null, "tensorzero"],
    ["vLLM", { session_id: "v" }, "v", null, "vllm"],
    [
      "vLLM agentic context",
      {
        vllm_xargs: {
          agentic_context: { program_id: "t:researcher", parent_program_id: "t:lead" },
        },
      },
      "t:researcher",
      "t:lead",
      "agentic-context",
    ],
    [
      "vLLM agentic context as text",
      { vllm_xargs: { agentic_context: '{"task_id":"t","agent_id":"a"}' } },
      "t:a",
      "t",
      "agentic-context",
    ],
    [
      "agent_hint",
      { agent_hint: { session_id: "s", parent_session_id: "p" } },
      "s",
      "p",
      "agentic-context",
    ],
    [
      "SGLang agent_hints",
      { agent_hints: { workflow_id: "w", agent_id: "critic" } },
      "w",
      null,
      "agentic-context",
    ],
    [
      "Dynamo agent context",
      { nvext: { agent_context: { session_id: "d", parent_session_id: "p" } } },
      "d",
      "p",
      "dynamo",
    ],
    ["NeMo", { nvext: { agent_hints: { prefix_id: "n" } } }, "n", null, "nemo"],
  ];
  it.each(rows)("%s", (_, fields, id, parent, source) => {
    const identity = read({}, { ...CHAT, ...fields });
    expect([idOf(identity), parentOf(identity), identity.source]).toEqual([id, parent, source]);
  });

  it("reads the role of an agent", () => {
    expect(roleOf({ workflow_id: "w", agent_id: "critic" })).toBe("critic");
    expect(roleOf({ workflow_id: "w", agent_id: "7", agent_role: "planner" })).toBe("planner");
  });

  it("lets users, cache keys and answers group conversations, not name them", () => {
    const fields = { user: "u", safety_identifier: "s", prompt_cache_key: "c" };
    const identity = read({}, { ...CHAT, ...fields, previous_response_id: "resp_1" });
    expect(identity.source).toBe("none");
    expect(identity.group).toEqual(["u", "s", "c", ""]);
  });
});

describe("precedence", () => {
  const own = { "x-chimera-workflow-id": "own" };
  const body = { ...CHAT, session_id: "body" };
  const product = { "x-dynamo-session-id": "product" };
  const generic = { "x-session-id": "generic" };
  it.each([
    [{ ...own, ...product, ...generic }, body, "own"],
    [{ ...product, ...generic }, body, "body"],
    [{ ...product, ...generic }, CHAT, "product"],
    [generic, CHAT, "generic"],
    [{}, CHAT, null],
  ])("our own, body, product, generic (%#)", (headers, body, id) => {
    expect(idOf(read(headers, body))).toBe(id);
  });

  it("orders LiteLLM's three", () => {
    const vendor = { "x-acme-session-id": "vendor-session" };
    const session = { ...vendor, "x-litellm-session-id": "session" };
    expect(idOf(read({ ...session, "x-litellm-trace-id": "trace" }))).toBe("trace");
    expect(idOf(read(session))).toBe("session");
    expect(idOf(read({ ...vendor, ...generic }))).toBe("vendor-session");
  });

  it("never joins the id of one dialect with the parent of another", () => {
    const identity = read({ "x-session-id": "s", "x-dynamo-parent-session-id": "p" });
    expect([idOf(identity), parentOf(identity)]).toEqual(["s", null]);
  });

  it("keeps a client's agents apart though its body names the session alone", () => {
    const metadata = { user_id: `u_session_${UUID}` };
    const headers = { "x-claude-code-session-id": UUID, "x-claude-code-agent-id": "a" };
    expect(idOf(read(headers, { ...CHAT, metadata }))).toBe(`${UUID}:a`);
  });
});

describe("scope", () => {
  it("keeps equal ids of two keys apart", () => {
    const ids = ["a", "b"].map((keyScope) => {
      const headers = { "x-session-id": "s" };
      const identity = identify({ headers, body: CHAT, prompt: readPrompt(CHAT), keyScope });
      return "problem" in identity ? null : identity.workflowId;
    });
    expect(ids[0]).not.toBe(ids[1]);
    expect(ids).toEqual([scopedWorkflowId("a", "s"), scopedWorkflowId("b", "s")]);
  });

  it("cannot be left by an id made of another key's scope", () => {
    const foreign = scopedWorkflowId("b", "s");
    expect(read({ "x-session-id": foreign }).workflowId).toBe(scopedWorkflowId(KEY, foreign));
    expect(clientWorkflowId(scopedWorkflowId(KEY, foreign))).toBe(foreign);
  });
});

describe("bounds", () => {
  it.each([
    ["x".repeat(255), "x".repeat(255)],
    ["x".repeat(256), null],
    ["a\u0000b", null],
    ["a\nb", null],
    ["a\u0085b", null],
    ["   ", null],
    [" s ", "s"],
  ])("an id is taken whole or not at all (%#)", (value, id) => {
    expect(idOf(read({ "x-chimera-workflow-id": value }))).toBe(id);
    expect(idOf(read({}, { ...CHAT, session_id: value }))).toBe(id);
  });

  it("falls through to the next dialect", () => {
    const headers = { "x-chimera-workflow-id": "x".repeat(256), "x-session-id": "s" };
    expect(idOf(read(headers))).toBe("s");
  });

  it("drops an agent that makes the id too long", () => {
    const long = "x".repeat(200);
    const headers = { "x-claude-code-session-id": long, "x-claude-code-agent-id": "y".repeat(200) };
    expect(read(headers).source).toBe("none");
  });

  it("takes integers for ids and nothing else", () => {
    expect(idOf(read({}, { ...CHAT, session_id: 42 }))).toBe("42");
    for (const value of [4.5, true, {}, [], null, Number.NaN]) {
      expect(read({}, { ...CHAT, session_id: value }).source).toBe("none");
    }
  });
});

describe("request ids", () => {
  it.each([
    [{ "x-request-id": "r-1", "x-trace-id": "t" }, "r-1"],
    [{ "x-correlation-id": "c" }, "c"],
    [{ "x-trace-id": "t" }, "t"],
    [{ "request-id": "q" }, "q"],
    [{ "x-request-id": "a b" }, null],
    [{ "x-request-id": "<script>" }, null],
    [{ "x-request-id": "x".repeat(256) }, null],
  ])("are bounded and of sane characters (%#)", (headers, id) => {
    expect(read(headers).requestId).toBe(id);
  });
});

describe("priority", () => {
  it.each<[string, RequestHeaders, object, Identity["class"]]>([
    ["none", {}, {}, "default"],
    ["ours", { "x-chimera-class": "Bulk" }, {}, "bulk"],
    ["ours, integer", { "x-chimera-class": "3" }, {}, "interactive"],
    ["ours, unknown", { "x-chimera-class": "urgent" }, { service_tier: "flex" }, "default"],
    ["SMG", { "x-smg-priority": "system" }, {}, "system"],
    ["SMG, unknown", { "x-smg-priority": "whatever" }, {}, "default"],
    ["Dynamo body, higher is sooner", {}, nvext({ priority: 5 }), "interactive"],
    ["Dynamo body, lower", {}, nvext({ priority: -5 }), "bulk"],
    ["Dynamo body, tier", {}, nvext({ priority: -5, strict_priority: 1 }), "interactive"],
    ["Dynamo body, no tier", {}, nvext({ priority: -5, strict_priority: 0 }), "bulk"],
    [
      "Dynamo headers beat the body",
      { "x-dynamo-request-priority": "-1" },
      nvext({ priority: 5 }),
      "bulk",
    ],
    ["Dynamo tier header", { "x-dynamo-request-strict-priority": "2" }, {}, "interactive"],
    ["LiteLLM and vLLM, lower is sooner", {}, { priority: 10 }, "bulk"],
    ["vLLM, below 0", {}, { priority: -1 }, "interactive"],
    ["OpenAI priority", {}, { service_tier: "priority" }, "interactive"],
    ["OpenAI flex", {}, { service_tier: "flex" }, "bulk"],
    ["OpenAI auto", {}, { service_tier: "auto" }, "default"],
    ["OpenAI default", {}, { service_tier: "default" }, "default"],
    ["prod-stack", { "x-request-priority": "1" }, {}, "interactive"],
    ["llm-d", { "x-gateway-inference-objective": "batch" }, {}, "bulk"],
    ["llm-d, newer name", { "x-llm-d-inference-objective": "chat" }, {}, "interactive"],
    ["llm-d, unknown", { "x-gateway-inference-objective": "constructor" }, {}, "default"],
    ["malformed", {}, { priority: "soon", service_tier: 7 }, "default"],
    ["program hints", {}, { agent_hints: { priority: 2 } }, "interactive"],
  ])("%s", (_, headers, fields, expected) => {
    const objectives = new Map([
      ["batch", -1],
      ["chat", 4],
    ]);
    const options = { sessionHeader: null, objectives };
    expect(read(headers, { ...CHAT, ...fields }, options).class).toBe(expected);
  });
});

describe("lengths, times and ends", () => {
  it("reads Dynamo's and NeMo's lengths", () => {
    expect(read({}, hints({ osl: 300, total_requests: 6, iat: 50 }))).toMatchObject({
      expectedOutputTokens: 300,
      callsTotal: 6,
      callsLeft: null,
    });
    expect(read({}, hints({ osl: "HIGH" })).expectedOutputTokens).toBe(2048);
    const headers = { "x-prefix-osl": "LOW", "x-prefix-total-requests": "4" };
    expect(read(headers)).toMatchObject({ expectedOutputTokens: 128, callsTotal: 4 });
  });

  it("ignores malformed foreign hints", () => {
    for (const osl of [-1, 1.5, "many", null, {}, 1e12, Number.NaN, "1e3"]) {
      expect(read({}, hints({ osl })).expectedOutputTokens).toBeNull();
    }
  });

  it("reads program hints, deadlines in seconds", () => {
    const context = { program_id: "p", deadline: 2.5, expected_output_tokens: 90 };
    const body = {
      ...CHAT,
      vllm_xargs: { agentic_context: { ...context, expected_resume: false } },
    };
    expect(read({}, body)).toMatchObject({
      deadlineMs: 2500,
      expectedOutputTokens: 90,
      callsLeft: 0,
      final: false,
    });
  });

  it("makes a deadline of llm-d's targets where the length is known", () => {
    const targets = { "x-slo-ttft-ms": "200", "x-slo-tpot-ms": "10" };
    expect(read(targets)).toMatchObject({ firstTokenMs: 200, deadlineMs: null });
    expect(read(targets, hints({ osl: 11 })).deadlineMs).toBe(300);
  });

  it("knows the last request of a session", () => {
    expect(read({}).final).toBe(false);
    expect(read({ "X-Dynamo-Session-Final": "true" }).final).toBe(true);
    expect(read({ "x-chimera-workflow-final": "1" }).final).toBe(true);
    const both = { "x-chimera-workflow-final": "false", "x-dynamo-session-final": "true" };
    expect(read(both).final).toBe(false);
  });
});

describe("our own headers", () => {
  it("says everything", () => {
    const identity = read({
      "x-chimera-workflow-id": "w",
      "x-chimera-workflow-kind": "math",
      "x-chimera-role": "critic",
      "x-chimera-stage": "3",
      "x-chimera-expected-tokens": "250",
      "x-chimera-calls-left": "2",
      "x-chimera-price": "0.4",
      "x-chimera-slack": "1.5",
      "x-chimera-min-gain": "5e-2",
    });
    expect(identity).toMatchObject({
      kind: "math",
      role: "critic",
      stage: 3,
      expectedOutputTokens: 250,
      callsLeft: 2,
      knobs: { price: 0.4, slack: 1.5, minGain: 0.05 },
    });
  });

  it("sets only the knobs that are stated", () => {
    expect(read({}).knobs).toBeNull();
    expect(read({ "x-chimera-slack": "0" }).knobs).toEqual({ slack: 0 });
  });

  it.each([1 / 3, 5e-324, 0.1 + 0.2, 1e-7])("takes %d as it is printed", (price) => {
    expect(read({ "x-chimera-price": String(price) }).knobs).toEqual({ price });
  });

  it.each([
    ["x-chimera-stage", "-1"],
    ["x-chimera-stage", "1.5"],
    ["x-chimera-stage", "two"],
    ["x-chimera-expected-tokens", "1e3"],
    ["x-chimera-calls-left", "99999999999999999999"],
    ["x-chimera-price", "NaN"],
    ["x-chimera-price", "Infinity"],
    ["x-chimera-slack", "-0.1"],
    ["x-chimera-min-gain", "1.1"],
    ["x-chimera-workflow-final", "maybe"],
  ])("refuses %s: %s and names the header", (name, value) => {
    expect(problemOf({ [name]: value })).toContain(name);
  });
});

describe("kinds", () => {
  it("is the fingerprint of the system prompt, whatever its numbers", () => {
    expect(kind(system("You are a critic. Today is 2026-11-02."))).toBe(
      kind(system("You are a critic. Today is 2026-11-13.")),
    );
    expect(kind(system("You are a critic."))).not.toBe(kind(system("You are a planner.")));
  });

  it("is the head of a long first message without one, and unknown for a short one", () => {
    expect(kind(filled("What is 1 + 1?"))).toBe(kind(filled("Name a prime.")));
    expect(kind([{ role: "user", content: "Hi" }])).toBe("unknown");
  });
});

describe.skipIf(mintRuns === null)("kinds of MINT's runs (skipped without ../shared/data)", () => {
  it("are its four families of tasks", () => {
    const kinds = new Map<string, Set<string>>();
    for (const run of mintRuns ?? []) {
      const found = kind(firstMessages(run));
      kinds.set(found, (kinds.get(found) ?? new Set()).add(run.template));
    }
    expect(
      [...kinds.values()].map((templates) => templates.size).toSorted((a, b) => a - b),
    ).toEqual([1, 1, 1, 6]);
  });
});

describe("any input", () => {
  it(`never throws and never pollutes a prototype (seed ${testSeed})`, () => {
    const names = fc.constantFrom(
      "x-session-id",
      "x-chimera-stage",
      "x-portkey-metadata",
      "x-smg-priority",
      "__proto__",
      "constructor",
    );
    const headers = fc.dictionary(
      fc.oneof(names, fc.string()),
      fc.oneof(fc.string(), fc.array(fc.string()), fc.constant(undefined)),
    );
    const field = fc.constantFrom(
      "messages",
      "prompt",
      "metadata",
      "nvext",
      "agent_hints",
      "vllm_xargs",
      "agentic_context",
      "user",
      "priority",
      "content",
      "role",
      "__proto__",
    );
    const body = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(
        field,
        fc.oneof(fc.jsonValue(), fc.dictionary(field, fc.jsonValue()), fc.array(fc.jsonValue())),
      ),
    );
    fc.assert(
      fc.property(headers, body, (headers, body) => {
        const parsed: unknown = JSON.parse(JSON.stringify(body) ?? "null");
        identify({ headers, body: parsed, prompt: readPrompt(parsed), keyScope: KEY });
        expect(Object.keys(Object.prototype)).toEqual([]);
      }),
      { seed: testSeed, numRuns: 500 },
    );
  });

  it("reads own fields only", () => {
    const body: unknown = JSON.parse('{"__proto__":{"session_id":"stolen"},"messages":[]}');
    expect(read({}, body).source).toBe("none");
    expect(read({}, Object.create({ session_id: "inherited" })).source).toBe("none");
  });

  it("survives nesting beyond the stack", () => {
    const depth = 200_000;
    const nested: unknown = JSON.parse(`${"[".repeat(5000)}${"]".repeat(5000)}`);
    let deep: unknown = "x";
    for (let level = 0; level < depth; level += 1) deep = { input: deep };
    const body = { tools: deep, messages: [{ role: "user", content: [deep, nested] }] };
    expect(read({}, body).source).toBe("none");
  });
});

function roleOf(agent_hints: object): string | null {
  return read({}, { ...CHAT, agent_hints }).role;
}

function nvext(agent_hints: object): object {
  return { nvext: { agent_hints } };
}

function hints(agent_hints: object): object {
  return { ...CHAT, nvext: { agent_hints } };
}

function kind(messages: object[]): string {
  return read({}, { messages }).kind;
}

function system(content: string): object[] {
  return [
    { role: "system", content },
    { role: "user", content: "Hi" },
  ];
}

/** A first message as a template makes it. */
function filled(task: string): object[] {
  return [{ role: "user", content: `${"Solve the task step by step. ".repeat(50)}${task}` }];
}

function upper(name: string): string {
  return name.toUpperCase();
}

function lower(name: string): string {
  return name.toLowerCase();
}
