import { expect, test } from "vitest";
import { drawFigure } from "./figure.ts";
import { reportPage } from "./report-page.ts";
import { loadOf, runFigures, type ObservedRun } from "./report-run.ts";

const stage = (workflow: string, engine: string, [readyMs, startMs, endMs]: readonly number[]) => ({
  workflow,
  stage: 0,
  engine,
  model: engine,
  readyMs: readyMs ?? 0,
  startMs: startMs ?? 0,
  endMs: endMs ?? 0,
  preemptions: 0,
});

const run: ObservedRun = {
  label: "auto",
  batchLimit: 2,
  stages: [
    stage("w0", "small", [0, 0, 6000]),
    stage("w1", "small", [0, 0, 12_000]),
    stage("w2", "large", [1000, 6000, 12_000]),
  ],
};

const at = (engine: string, place: number): number | undefined =>
  loadOf(run).filter((point) => point.engine === engine)[place]?.load;

test("load is the share of the batch limit that runs", () => {
  expect(at("small", 0)).toBeCloseTo(1, 12);
  expect(at("small", 119)).toBeCloseTo(0.5, 12);
  expect(at("large", 0)).toBe(0);
  expect(at("large", 119)).toBeCloseTo(0.5, 12);
});

test("a report holds its drawings, keeps their ids apart and needs nothing from outside", async () => {
  const figures = await Promise.all(
    runFigures(run).map(async (figure) => ({ ...figure, svg: await drawFigure(figure) })),
  );
  const page = reportPage("Report", [
    {
      title: "One <run>",
      about: "First `a < b`.\n\nSecond.",
      figures,
      tables: [
        "At load 1:",
        "",
        "| policy | speed |",
        "| ------ | ----: |",
        "| auto   | x1.00 |",
        "",
      ],
    },
  ]);
  expect(page).toContain("<h2>One &lt;run&gt;</h2>");
  expect(page).toContain("<code>a &lt; b</code>");
  expect(page).toContain("<tr><td>auto</td><td>x1.00</td></tr>");
  expect(page.match(/<svg /g)).toHaveLength(3);
  const ids = [...page.matchAll(/\bid="([^"]+)"/g)].map((match) => match[1]);
  expect(new Set(ids).size).toBe(ids.length);
  const outside = page.replaceAll(/xmlns(:\w+)?="[^"]*"/g, "");
  expect(outside).not.toMatch(/https?:|<script|<link|src=/);
});
