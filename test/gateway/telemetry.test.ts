import { afterEach, expect, test } from "vitest";
import { systemClock } from "../../src/engine/clock.ts";
import { createGateway } from "../../src/gateway/server.ts";
import { parseConfig } from "../../src/config/load.ts";
import { openTelemetry } from "../../src/observe/telemetry-environment.ts";
import { Collector } from "../observe/collector.ts";
import { HELLO, ScriptedEngine, stream } from "./scripted-engine.ts";
import { until } from "./bench.ts";

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

test("a request is traced from the client through the gateway to the engine", async () => {
  const collector = await Collector.start();
  ends.push(() => collector.stop());
  const engine = await ScriptedEngine.start(stream(...HELLO));
  ends.push(() => engine.kill());
  const document = {
    listen: "127.0.0.1:0",
    engines: [{ url: engine.url, model: "small" }],
    store: { path: null },
    log: { level: "silent" },
  };
  const sources = { file: "test.yaml", environment: {}, flags: {} };
  const parsed = parseConfig(JSON.stringify(document), sources);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems));
  const environment = {
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_EXPORTER_OTLP_HEADERS: "x-token=a%20b, x-team=t",
  };
  const telemetry = await openTelemetry(environment, systemClock, () => undefined);
  const gateway = await createGateway({ config: parsed.config, telemetry });
  ends.unshift(() => gateway.close());
  const { url } = await gateway.listen();
  await until(() => gateway.view().engines.every(({ state }) => state === "live"));
  const traceId = "0af7651916cd43dd8448eb211c80319c";
  const response = await fetch(`${url}/chat/completions`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      traceparent: `00-${traceId}-b7ad6b7169203331-01`,
      "x-chimera-workflow-id": "w",
    },
    body: JSON.stringify({ model: "chimera", messages: [{ role: "user", content: "Hello." }] }),
  });
  await response.text();
  await gateway.close();
  const stage = collector.spans.find(({ name }) => name === "chat chimera");
  expect(stage).toMatchObject({
    traceId,
    parentSpanId: "b7ad6b7169203331",
    attributes: {
      "chimera.engine": "small",
      "chimera.rule": "only-candidate",
      "gen_ai.conversation.id": "w",
      "gen_ai.response.model": "small",
    },
  });
  expect(engine.seen[0]?.headers["traceparent"]).toBe(`00-${traceId}-${stage?.spanId}-01`);
  expect(collector.headers[0]).toMatchObject({ "x-token": "a b", "x-team": "t" });
});

test("without an endpoint nothing is traced, and nothing is loaded", async () => {
  expect(await openTelemetry({}, systemClock, () => undefined)).toBeNull();
});
