import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { Metrics } from "../../src/observe/metrics.ts";

const DEPLOY = join(import.meta.dirname, "../../deploy");
const DASHBOARDS = join(DEPLOY, "grafana/dashboards");

const dashboardSchema = z.object({
  panels: z.array(
    z.object({ title: z.string(), targets: z.array(z.object({ expr: z.string() })).default([]) }),
  ),
});
const alertsSchema = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.object({
          alert: z.string(),
          expr: z.string(),
          annotations: z.object({ runbook_url: z.string() }),
        }),
      ),
    }),
  ),
});

/** Names of the series that the gateway shows, those of histograms in full. */
async function seriesShown(): Promise<Set<string>> {
  const metrics = new Metrics({
    view: () => ({
      queuedByClass: { system: 0, interactive: 0, default: 0, bulk: 0 },
      requests: 0,
      stranded: 0,
      workflows: 0,
      engines: [],
    }),
    store: () => null,
  });
  const names = new Set<string>();
  for (const [, name = "", type] of (await metrics.text()).matchAll(/^# TYPE (\S+) (\S+)$/gm)) {
    const series = type === "histogram" ? ["_bucket", "_sum", "_count"] : [""];
    for (const suffix of series) names.add(name + suffix);
  }
  return names;
}

/** The gateway's own series in an expression of PromQL. */
function seriesIn(expression: string): string[] {
  return expression.match(/\bchimera_\w+/g) ?? [];
}

describe("what dashboards and alerts look at", () => {
  let shown: Set<string>;
  beforeAll(async () => {
    shown = await seriesShown();
  });

  it("every panel's series exist", async () => {
    const files = await readdir(DASHBOARDS);
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) {
      const text = await readFile(join(DASHBOARDS, file), "utf8");
      const { panels } = dashboardSchema.parse(JSON.parse(text));
      const expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
      expect(expressions.length).toBeGreaterThan(0);
      for (const expr of expressions) {
        expect(seriesIn(expr), expr).not.toHaveLength(0);
        expect([...shown]).toEqual(expect.arrayContaining(seriesIn(expr)));
      }
    }
  });

  it("every alert's series exist, and the runbook has its section", async () => {
    const text = await readFile(join(DEPLOY, "prometheus/alerts.yml"), "utf8");
    const { groups } = alertsSchema.parse(parse(text));
    const runbook = await readFile(join(DEPLOY, "../docs/runbook.md"), "utf8");
    const alerts = groups.flatMap(({ rules }) => rules);
    expect(alerts.length).toBeGreaterThan(5);
    for (const { alert, expr, annotations } of alerts) {
      for (const name of seriesIn(expr)) expect(shown, alert).toContain(name);
      expect(annotations.runbook_url).toBe(`docs/runbook.md#${alert.toLowerCase()}`);
      expect(runbook).toContain(`\n## ${alert}\n`);
    }
  });
});
