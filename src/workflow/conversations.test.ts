import { describe, expect, it } from "vitest";
import { createRandom } from "../core/random.ts";
import { testSeed } from "../../test/seed.ts";
import {
  mintRuns,
  stageMessages,
  type ChatMessage,
  type MintRun,
} from "../../test/workflow/mint-runs.ts";
import { conversationPrefix } from "./conversation-prefix.ts";
import { Conversations } from "./conversations.ts";
import { readPrompt } from "./prompt.ts";

const SCOPE = "key-a:";
const LIMITS = { entriesMax: 1000, idleMs: 60_000 };

const FIRST = [
  { role: "system", content: "You solve tasks." },
  { role: "user", content: "Find a prime above 100." },
];

function answered(messages: readonly ChatMessage[], answer: string): ChatMessage[] {
  return [
    ...messages,
    { role: "assistant", content: answer },
    { role: "user", content: `Observation: ${answer.length}` },
  ];
}

/** A table with its clock; every step takes one millisecond. */
class Chains {
  readonly table: Conversations;
  timeMs = 0;

  constructor(limits: { entriesMax: number; idleMs: number } = LIMITS) {
    this.table = new Conversations(limits);
  }

  send(body: object, scope: string = SCOPE, group: readonly string[] = []): string {
    this.timeMs += 1;
    const prefix = conversationPrefix(readPrompt(body), group);
    if (prefix === null) throw new Error("the body holds no conversation");
    return this.table.arrive(scope, prefix, this.timeMs);
  }

  chat(messages: readonly ChatMessage[], scope?: string): string {
    return this.send({ messages }, scope);
  }

  end(workflowId: string, outputTokens: number | null = 10): void {
    this.timeMs += 1;
    this.table.stageEnded(workflowId, outputTokens, this.timeMs);
  }
}

describe("a chain", () => {
  it("is recognised at every further stage", () => {
    const chains = new Chains();
    let messages: ChatMessage[] = FIRST;
    const first = chains.chat(messages);
    for (let stage = 1; stage < 6; stage += 1) {
      chains.end(first);
      messages = answered(messages, `answer ${stage}`);
      expect(chains.chat(messages)).toBe(first);
    }
    expect(chains.table.size).toBe(1);
  });

  it("is found through tool calls and content parts", () => {
    const chains = new Chains();
    const call = { id: "c1", type: "function", function: { name: "add", arguments: "{}" } };
    const parts = FIRST.map(({ role, content }) => ({
      role,
      content: [{ type: "text", text: content }],
    }));
    const first = chains.send({ messages: FIRST });
    chains.end(first);
    const tools = [
      { role: "assistant", content: null, tool_calls: [call] },
      { role: "tool", tool_call_id: "c1", content: "3" },
    ];
    expect(chains.send({ messages: [...parts, ...tools] })).toBe(first);
  });

  it("stays inside its API key and its group", () => {
    const chains = new Chains();
    const first = chains.chat(FIRST);
    chains.end(first);
    const next = answered(FIRST, "101");
    expect(chains.chat(next, "key-b:")).not.toBe(first);
    expect(chains.send({ messages: next }, SCOPE, ["other user"])).not.toBe(first);
    expect(chains.chat(next)).toBe(first);
  });

  it("is taken up though its stage was not seen to end, if no other fits", () => {
    const chains = new Chains();
    const first = chains.chat(FIRST);
    expect(chains.chat(answered(FIRST, "101"))).toBe(first);
  });

  it("needs an answer after its messages", () => {
    const chains = new Chains();
    const first = chains.chat(FIRST);
    chains.end(first);
    expect(chains.chat([...FIRST, { role: "user", content: "And one more." }])).not.toBe(first);
  });
});

describe("the same first prompt", () => {
  it("starts a new chain while the first runs, when it was answered, and when it has grown", () => {
    const chains = new Chains();
    const ids = [chains.chat(FIRST), chains.chat(FIRST)];
    for (const id of ids) chains.end(id);
    ids.push(chains.chat(FIRST));
    chains.chat(answered(FIRST, "101"));
    ids.push(chains.chat(FIRST));
    expect(new Set(ids).size).toBe(4);
  });

  it("is a repetition after a failure", () => {
    const chains = new Chains();
    const first = chains.chat(FIRST);
    chains.end(first, null);
    expect(chains.chat(FIRST)).toBe(first);
    expect(chains.chat(FIRST)).not.toBe(first);
  });

  it("leads to the chain whose answer was as long as the one that came back", () => {
    const chains = new Chains();
    const short = chains.chat(FIRST);
    const long = chains.chat(FIRST);
    chains.end(short, 3);
    chains.end(long, 60);
    const words = "the next prime after one hundred is found by division ".repeat(6);
    expect(chains.chat(answered(FIRST, words))).toBe(long);
    expect(chains.chat(answered(FIRST, "It is 101."))).toBe(short);
  });

  it("keeps a bounded number of equal requests", () => {
    const chains = new Chains();
    for (let count = 0; count < 200; count += 1) chains.end(chains.chat(FIRST));
    expect(chains.table.size).toBe(64);
  });
});

describe("a trimmed or rewritten history", () => {
  const trimmed = [
    ...FIRST,
    { role: "assistant", content: "(summary)" },
    { role: "user", content: "Go on." },
  ];

  it("falls back to the only open chain with the same task", () => {
    const chains = new Chains();
    const first = chains.chat(FIRST);
    chains.end(first);
    expect(chains.chat(answered(answered(FIRST, "1"), "2"))).toBe(first);
    chains.end(first);
    expect(chains.chat(trimmed)).toBe(first);
  });

  it("starts a new chain where two are open, where the only one runs, and where it ended", () => {
    const chains = new Chains();
    const grown = answered(FIRST, "1");
    const first = chains.chat(FIRST);
    chains.end(first);
    expect(chains.chat(grown)).toBe(first);
    expect(chains.chat(trimmed)).not.toBe(first);
    chains.end(first);
    expect(chains.chat(answered(FIRST, "2"))).not.toBe(first);
    const alone = new Chains();
    const ended = alone.chat(FIRST);
    alone.end(ended);
    alone.table.end(ended);
    expect(alone.chat(trimmed)).not.toBe(ended);
  });
});

describe("plain prompts", () => {
  const prompt = `${"Solve the task. ".repeat(40)}Task: find a prime.`;

  it("are recognised when they grow", () => {
    const chains = new Chains();
    const first = chains.send({ prompt });
    chains.end(first);
    expect(chains.send({ prompt: `${prompt} 101\nNext:` })).toBe(first);
    chains.end(first);
    expect(chains.send({ prompt: `${prompt} 101\nNext: 103\nNext:` })).toBe(first);
    expect(chains.send({ prompt })).not.toBe(first);
  });

  it("are kept apart by their last characters", () => {
    const chains = new Chains();
    const first = chains.send({ prompt });
    chains.end(first);
    expect(chains.send({ prompt: prompt.replace("prime", "power") })).not.toBe(first);
  });

  it("do not continue a short one that they happen to start with", () => {
    const chains = new Chains();
    const first = chains.send({ prompt: "What is 1" });
    chains.end(first);
    expect(chains.send({ prompt: "What is 1 + 2?" })).not.toBe(first);
  });
});

describe("bounds", () => {
  it("forgets the idle and the oldest", () => {
    const chains = new Chains({ entriesMax: 2, idleMs: 100 });
    const [a, b, c] = ["a", "b", "c"].map((content) => {
      const id = chains.chat([{ role: "user", content }]);
      chains.end(id);
      return id;
    });
    expect(chains.table.size).toBe(2);
    expect(chains.chat(answered([{ role: "user", content: "a" }], "x"))).not.toBe(a);
    expect(chains.chat(answered([{ role: "user", content: "c" }], "x"))).toBe(c);
    chains.timeMs += 101;
    expect(chains.chat(answered([{ role: "user", content: "b" }], "x"))).not.toBe(b);
    expect(chains.table.size).toBe(1);
  });
});

/** What a replay of recorded runs found. */
interface Replay {
  readonly stagesAfterFirst: number;
  readonly recognised: number;
  readonly workflows: number;
  readonly runs: number;
  readonly mixed: number;
}

describe.skipIf(mintRuns === null)("recorded runs of MINT (skipped without ../shared/data)", () => {
  const chosen = (mintRuns ?? []).filter(
    (run) => run.part === "valid" && run.models.actor === "Meta-Llama-3-8B-Instruct",
  );

  it("every later stage of interleaved runs is recognised, no two runs are merged", () => {
    expect(chosen.length).toBeGreaterThan(60);
    const replay = replayed(chosen);
    expect(replay.stagesAfterFirst).toBeGreaterThan(100);
    expect(replay).toMatchObject({
      recognised: replay.stagesAfterFirst,
      workflows: replay.runs,
      mixed: 0,
    });
  });

  it("twice the same run at once: one chain each", () => {
    const replay = replayed([...chosen, ...chosen]);
    expect(replay.workflows).toBe(replay.runs);
  });

  it("thirteen models on the same tasks at once: at least 95 % of the stages find their own run", () => {
    const replay = replayed((mintRuns ?? []).filter((run) => run.part === "valid").slice(0, 2000));
    expect(replay.recognised / replay.stagesAfterFirst).toBeGreaterThan(0.95);
    expect(replay.workflows).toBe(replay.runs);
  });
});

/** Starts all runs at once and sends their stages in random turns. */
function replayed(runs: readonly MintRun[]): Replay {
  const random = createRandom(testSeed);
  const chains = new Chains({ entriesMax: 100_000, idleMs: 1e9 });
  const open = runs.map((run) => ({
    run,
    messages: stageMessages(run),
    stage: 0,
    first: "",
    running: "",
  }));
  const owners = new Map<string, Set<MintRun>>();
  let stagesAfterFirst = 0;
  let recognised = 0;
  while (open.length > 0) {
    const index = Math.floor(random.next() * open.length);
    const turn = open[index];
    if (turn === undefined) break;
    if (turn.running !== "") {
      chains.end(turn.running, turn.run.stages[turn.stage]?.out_tok ?? 0);
      turn.running = "";
      turn.stage += 1;
    }
    const messages = turn.messages[turn.stage];
    if (messages === undefined) {
      open.splice(index, 1);
      continue;
    }
    turn.running = chains.chat(messages);
    owners.set(turn.running, (owners.get(turn.running) ?? new Set()).add(turn.run));
    if (turn.stage === 0) turn.first = turn.running;
    else {
      stagesAfterFirst += 1;
      if (turn.running === turn.first) recognised += 1;
    }
  }
  const mixed = [...owners.values()].filter((owners) => owners.size > 1).length;
  return { stagesAfterFirst, recognised, workflows: owners.size, runs: runs.length, mixed };
}
