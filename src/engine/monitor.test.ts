import { createServer, type Server } from "node:http";
import { once } from "node:events";
import { describe, expect, it } from "vitest";
import { ManualClock } from "../../test/gateway/manual-clock.ts";
import { EngineClient, type EngineReply } from "./client.ts";
import type { EngineCondition } from "./condition.ts";
import type { EngineEndpoint, EngineKind } from "./endpoint.ts";
import type { EngineFailureKind } from "./exchange.ts";
import { EngineMonitor, type MonitorListener } from "./monitor.ts";

function endpointOf(kind: EngineKind, url: string = "http://h"): EngineEndpoint {
  return {
    name: "e",
    url,
    kind,
    upstreamModel: "m",
    apiKey: null,
    headers: {},
    timeouts: { connectMs: 1_000, headersMs: 1_000, idleMs: 1_000, totalMs: 1_000 },
    priority: "none",
  };
}

type Answer = string | number;

const nothing = (): void => {};

/** An engine whose answers the test sets, and a monitor of it on a clock that the test moves. */
class Bench implements MonitorListener {
  readonly clock = new ManualClock();
  readonly asked: string[] = [];
  readonly told: unknown[] = [];
  /** By path; a text is a 200, a number a status, a word a failure. Other paths are 404. */
  answers: Record<string, Answer> = { "/health": "" };
  /** While set, answers wait for it. */
  gate: Promise<void> | null = null;
  openRequests = 0;
  openRequestsMax = 0;
  readonly monitor: EngineMonitor;

  constructor(kind: EngineKind = "vllm", random: () => number = () => 0) {
    const getText = (path: string): Promise<EngineReply<string>> => this.answer(path);
    const getJson = async (path: string): Promise<EngineReply<unknown>> => {
      const reply = await this.answer(path);
      return reply.failure === null ? { ...reply, body: JSON.parse(reply.body || "{}") } : reply;
    };
    const client = { endpoint: endpointOf(kind), getText, getJson };
    this.monitor = new EngineMonitor({ client, listener: this, random, clock: this.clock });
  }

  conditionChanged(condition: EngineCondition): void {
    this.told.push(condition);
  }

  loadRead(load: unknown): void {
    this.told.push(load);
  }

  limitsFound(limits: unknown): void {
    this.told.push(limits);
  }

  /** Lets the time pass in small steps, and what it starts run to its end. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 50) {
      this.clock.advance(50);
      await settled();
    }
  }

  timesAsked(path: string): number {
    return this.asked.filter((one) => one === path).length;
  }

  private async answer(path: string): Promise<EngineReply<string>> {
    this.asked.push(path);
    this.openRequests++;
    this.openRequestsMax = Math.max(this.openRequestsMax, this.openRequests);
    await this.gate;
    this.openRequests--;
    const answer = this.answers[path] ?? 404;
    if (typeof answer === "number") return { failure: null, status: answer, body: "" };
    if (FAILURES.has(answer)) {
      return { failure: { kind: kindOf(answer), message: answer }, status: null, body: null };
    }
    return { failure: null, status: 200, body: answer };
  }
}

const FAILURES: ReadonlySet<string> = new Set(["connect", "total-timeout"]);

function kindOf(answer: string): EngineFailureKind {
  return answer === "connect" ? "connect" : "total-timeout";
}

function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

async function started(kind?: EngineKind, random?: () => number): Promise<Bench> {
  const bench = new Bench(kind, random);
  bench.monitor.start();
  await bench.pass(50);
  return bench;
}

describe("an engine that is well", () => {
  it("is live after the first look, and looked at each 1.5 s", async () => {
    const bench = await started();
    expect(bench.told).toEqual(["live"]);
    const before = bench.timesAsked("/health");
    await bench.pass(15_000);
    expect(bench.timesAsked("/health") - before).toBe(10);
    expect(bench.told).toEqual(["live"]);
  });

  it("is looked at later by chance, so that many do not meet", async () => {
    const bench = await started("vllm", () => 1);
    await bench.pass(20_000);
    expect(bench.timesAsked("/health")).toBe(11);
  });

  it("tells its limits when it comes to life and its load each time", async () => {
    const bench = new Bench();
    bench.answers["/v1/models"] = '{"data":[{"id":"m","max_model_len":99}]}';
    bench.answers["/metrics"] = "vllm:num_requests_running 2";
    bench.monitor.start();
    await bench.pass(1_600);
    const load = { running: 2, waiting: 0, kvUse: null };
    const limits = { contextTokens: 99, sequences: null, kvTokens: null };
    expect(bench.told).toEqual(["live", limits, load, load]);
  });

  it("without metrics is not asked for them for ever", async () => {
    const bench = await started("sglang");
    await bench.pass(20_000);
    expect(bench.timesAsked("/metrics")).toBe(3);
    expect((await started("ollama")).asked).toEqual(["/api/version"]);
  });

  it("and slow is never asked two things at once", async () => {
    const bench = await started();
    let open = nothing;
    bench.gate = new Promise((resolve) => (open = resolve));
    await bench.pass(10_000);
    bench.monitor.requestFailed("reset");
    await bench.pass(1_000);
    open();
    bench.gate = null;
    await bench.pass(3_000);
    expect(bench.openRequestsMax).toBe(1);
    expect(bench.told).toEqual(["live", "suspect"]);
  });
});

describe("an engine that is ill", () => {
  it("that refuses is dead within 250 ms of the first refusal", async () => {
    const bench = await started();
    bench.answers["/health"] = "connect";
    await bench.pass(1_500);
    expect(bench.told).toEqual(["live", "suspect"]);
    await bench.pass(250);
    expect(bench.told).toEqual(["live", "suspect", "dead"]);
  });

  it("comes to life within 300 ms of its restart", async () => {
    const bench = await started();
    bench.answers["/health"] = "connect";
    await bench.pass(10_000);
    bench.answers["/health"] = "";
    await bench.pass(300);
    expect(bench.told).toEqual(["live", "suspect", "dead", "live"]);
  });

  it("one slow or failing look never ejects it", async () => {
    for (const answer of ["total-timeout", "connect", 503] as const) {
      const bench = await started();
      bench.answers["/health"] = answer;
      await bench.pass(1_500);
      bench.answers["/health"] = "";
      await bench.pass(3_000);
      expect(bench.told).toEqual(["live", "suspect", "live"]);
    }
  });

  it("a refused request is followed by a look at once", async () => {
    const bench = await started();
    bench.answers["/health"] = "connect";
    bench.monitor.requestFailed("connect");
    await bench.pass(50);
    expect(bench.told).toEqual(["live", "suspect", "dead"]);
  });

  it("what a client aborted says nothing", async () => {
    const bench = await started();
    const before = bench.asked.length;
    for (let i = 0; i < 10; i++) bench.monitor.requestFailed("aborted");
    await bench.pass(50);
    expect([bench.told, bench.asked.length]).toEqual([["live"], before]);
  });

  it("a request that succeeds clears the doubt of one that failed", async () => {
    const bench = await started();
    bench.monitor.requestFailed("idle-timeout");
    bench.monitor.requestSucceeded();
    expect(bench.told).toEqual(["live", "suspect", "live"]);
  });
});

it("a closed monitor asks and tells nothing more, even what is on its way", async () => {
  const bench = new Bench();
  let open = nothing;
  bench.gate = new Promise((resolve) => (open = resolve));
  bench.monitor.start();
  await bench.pass(50);
  bench.monitor.close();
  bench.monitor.close();
  open();
  await bench.pass(10_000);
  bench.monitor.start();
  await bench.pass(10_000);
  expect([bench.told, bench.asked, bench.clock.timers]).toEqual([[], ["/health"], 0]);
});

it("with real sockets: an engine that goes and comes back", async () => {
  const server = createServer((_, response) => response.end());
  const port = await listening(server, 0);
  const clock = new ManualClock();
  const client = new EngineClient(endpointOf("ollama", `http://127.0.0.1:${port}`), clock);
  const told: EngineCondition[] = [];
  let heard = nothing;
  const listener: MonitorListener = {
    conditionChanged: (condition) => {
      told.push(condition);
      heard();
    },
    loadRead: nothing,
    limitsFound: nothing,
  };
  const monitor = new EngineMonitor({ client, listener, random: () => 0, clock });
  const until = async (condition: EngineCondition): Promise<void> => {
    while (told.at(-1) !== condition) {
      clock.advance(250);
      await Promise.race([settled(), new Promise<void>((resolve) => (heard = resolve))]);
    }
  };
  monitor.start();
  await until("live");
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await until("dead");
  const again = createServer((_, response) => response.end());
  await listening(again, port);
  await until("live");
  expect(told.filter((condition) => condition !== "suspect")).toEqual(["live", "dead", "live"]);
  monitor.close();
  await client.destroy();
  again.closeAllConnections();
  await new Promise((resolve) => again.close(resolve));
});

async function listening(server: Server, port: number): Promise<number> {
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return typeof address === "object" && address !== null ? address.port : 0;
}
