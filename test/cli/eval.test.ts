import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { createRandom } from "../../src/core/random.ts";
import { testSeed } from "../seed.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "chimera-eval-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const WORDS = ["sum", "list", "graph", "prime", "angle", "parse", "sort", "count", "merge", "fold"];
const MODELS = ["small", "large"];

interface MadeStage {
  readonly role: string;
  readonly model: string;
  readonly in_chars: number | null;
  readonly in_tok: number | null;
  readonly out_tok: number | null;
  readonly out: string;
  readonly env: string;
}

interface MadeRun {
  readonly v: 1;
  readonly dataset: string;
  readonly subset: string;
  readonly task_id: string;
  readonly workflow: string;
  readonly models: Readonly<Record<string, string>>;
  readonly trial: number;
  readonly reward: number;
  readonly part: string;
  readonly template: string | null;
  readonly stages: readonly MadeStage[];
}

const random = createRandom(testSeed);
const below = (count: number): number => Math.floor(random.next() * count);

/** Problems by chance; those with "prove" are hard, and talk and last longer. */
const problems = Array.from({ length: 60 }, (_, number) => {
  const words = Array.from({ length: 8 }, () => WORDS[below(WORDS.length)] ?? "");
  const isHard = number % 2 === 0;
  const prompt = `${words.join(" ")} ${isHard ? "prove" : "add"} ${number}`;
  return { id: `t${number}`, prompt, isHard, part: number % 3 === 0 ? "valid" : "train" };
});
const tasks = problems.map(({ id, prompt }) => ({ task_id: id, prompt }));
const runs = problems.flatMap(({ id, isHard, part }) =>
  MODELS.map((model): MadeRun => {
    const stages = Array.from({ length: isHard ? 3 : 1 }, (): MadeStage => ({
      role: "actor",
      model,
      in_chars: 50,
      in_tok: 12,
      out_tok: (isHard ? 200 : 40) + below(40),
      out: "a word ".repeat(20),
      env: "Your answer is wrong.",
    }));
    const reward = Number(random.next() < (isHard ? 0.2 : 0.8));
    const rest = { workflow: "agent", models: { actor: model }, trial: 0, template: null };
    return { v: 1, dataset: "made", subset: "", task_id: id, ...rest, reward, part, stages };
  }),
);

function write(name: string, rows: readonly unknown[]): string {
  const file = join(folder, name);
  writeFileSync(file, rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  return file;
}

function chimera(...args: readonly string[]): {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
} {
  const tsx = join(root, "node_modules/.bin/tsx");
  return spawnSync(tsx, [join(root, "src/cli/main.ts"), ...args], {
    cwd: folder,
    encoding: "utf8",
  });
}

const RUNS = write("runs.jsonl", runs);
const TASKS = write("tasks.jsonl", tasks);
const GIVEN = ["--runs", RUNS, "--tasks", TASKS, "--trees", "10"];
const INTERVAL = z.object({ value: z.number(), low: z.number(), high: z.number() });

describe(`with seed ${testSeed}, on runs made by chance`, () => {
  test("eval length scores baselines, recipes and a bound on each model and stage", () => {
    const figure = join(folder, "length.svg");
    const { status, stdout } = chimera(
      "eval",
      "length",
      ...GIVEN,
      "--resamples",
      "20",
      "--orders",
      "2",
      "--json",
      "--figure",
      figure,
    );
    expect(status).toBe(0);
    const rows = z.array(
      z.object({
        predictor: z.string(),
        of: z.string(),
        name: z.string(),
        insideModel: INTERVAL.nullable(),
        cover: z.number(),
      }),
    );
    const { scores, few } = z
      .object({ scores: rows, few: z.array(z.unknown()) })
      .parse(JSON.parse(stdout));
    const distance = (predictor: string): number =>
      scores.find((row) => row.predictor === predictor && row.of === "all")?.insideModel?.value ??
      Number.NaN;
    expect(distance("constant")).toBe(0.5);
    expect(distance("default recipe")).toBeLessThan(distance("median by model, role, stage"));
    expect(new Set(scores.map(({ name }) => name))).toEqual(
      new Set(["", ...MODELS, "actor 1", "actor 2", "actor 3"]),
    );
    expect(few).toHaveLength(2);
    expect(readFileSync(figure, "utf8")).toContain("<svg");
  });

  test("eval router prints tables with what is told apart and what is not", () => {
    const { status, stdout } = chimera("eval", "router", ...GIVEN, "--resamples", "20");
    expect(status).toBe(0);
    for (const text of [
      "### runs: 40 runs",
      "mAP",
      "ECE",
      "APGR",
      "others' outcomes",
      "against family rate",
    ])
      expect(stdout).toContain(text);
  });

  test("what was learned from is not judged on", () => {
    const both = chimera("eval", "length", ...GIVEN, "--valid", "train");
    expect(both).toMatchObject({ status: 2 });
    expect(both.stderr).toContain("train");
    expect(chimera("eval", "router", ...GIVEN, "--valid", "test").status).toBe(2);
  });
});

/** A stage's own result, later stages and the outcome become something else. */
function scrambled(run: MadeRun, fromStage: number): MadeRun {
  const stages = run.stages.map((stage, index) =>
    index < fromStage
      ? stage
      : { ...stage, in_tok: below(9999), out_tok: below(999), out: `${below(99)} wrong`, env: "?" },
  );
  return { ...run, reward: 1 - run.reward, stages };
}

/** As a request for a prediction comes, in full or with what nobody may look at. */
function request(run: MadeRun, stage: number, isWhole: boolean): unknown {
  const { reward, ...rest } = isWhole ? scrambled(run, stage) : run;
  const stages = rest.stages.slice(0, stage + 1);
  const cut = stages.map((each, index) =>
    index < stage ? each : { ...each, in_tok: null, out_tok: null, out: null, env: null },
  );
  const run_id = `${run.task_id}/${run.models["actor"]}/${stage}`;
  return isWhole
    ? { run_id, stage, ...rest, stages, reward }
    : { run_id, stage, ...rest, stages: cut };
}

/** Each test starts the command several times. */
const TIMEOUT_MS = 120_000;

describe.each(["length", "router"] as const)("train and predict %s", (what) => {
  const train = (from: string, name: string): Buffer => {
    const out = join(folder, name);
    const { status } = chimera(
      "train",
      what,
      "--runs",
      from,
      "--tasks",
      TASKS,
      "--trees",
      "10",
      "--out",
      out,
    );
    expect(status).toBe(0);
    return readFileSync(out);
  };
  const predict = (name: string, requests: readonly unknown[]): string => {
    const out = join(folder, `${name}-${what}.jsonl`);
    const { status } = chimera(
      "predict",
      what,
      "--model",
      join(folder, `${what}.model`),
      "--tasks",
      TASKS,
      "--runs",
      write(`${name}-requests.jsonl`, requests),
      "--out",
      out,
    );
    expect(status).toBe(0);
    return readFileSync(out, "utf8");
  };

  test(
    "see nothing of the other part, of a stage's own output, of later stages or the reward",
    () => {
      const learned = train(RUNS, `${what}.model`);
      const changed = runs.map((run) => (run.part === "train" ? run : scrambled(run, 0)));
      expect(Buffer.compare(train(write("changed.jsonl", changed), "other.model"), learned)).toBe(
        0,
      );
      const asked = runs
        .filter(({ part }) => part === "valid")
        .flatMap((run) => run.stages.map((_, stage) => ({ run, stage })));
      const answers = predict(
        "cut",
        asked.map(({ run, stage }) => request(run, stage, false)),
      );
      expect(answers.split("\n").length - 1).toBe(asked.length);
      expect(
        predict(
          "whole",
          asked.map(({ run, stage }) => request(run, stage, true)),
        ),
      ).toBe(answers);
    },
    TIMEOUT_MS,
  );
});
