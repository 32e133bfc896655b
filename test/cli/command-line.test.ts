import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "chimera-cli-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs the command line as a user does, from another folder. */
function chimera(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const main = join(root, "src/cli/main.ts");
  const tsx = join(root, "node_modules/.bin/tsx");
  const { status, stdout, stderr } = spawnSync(tsx, [main, ...args], {
    cwd: folder,
    encoding: "utf8",
  });
  return { status, stdout, stderr };
}

describe("the command line", () => {
  test("helps, and refuses what it does not know, with exit code 2", () => {
    expect(chimera("--help")).toMatchObject({ status: 0 });
    expect(chimera("fly").status).toBe(2);
    expect(chimera("simulate").stderr).toContain("--runs");
  });

  test("check finds all problems of a config at once, each with its line", () => {
    const file = join(folder, "chimera.yaml");
    writeFileSync(file, "engines:\n  - { url: nonsense, model: a }\n  - { modle: b }\nport: 1\n");
    const { status, stderr } = chimera("check", file);
    expect(status).toBe(2);
    expect(stderr).toMatch(/chimera\.yaml:2:/);
    expect(stderr).toMatch(/chimera\.yaml:3:/);
    expect(stderr).toMatch(/problems; nothing was started/);
  });

  test("check accepts the ten lines of the README", () => {
    const file = join(folder, "two.yaml");
    writeFileSync(
      file,
      "engines:\n" +
        "  - { url: http://127.0.0.1:8001/v1, model: small }\n" +
        "  - { url: http://127.0.0.1:8002/v1, model: large, confidence: 0.7, maxConcurrency: 16 }\n",
    );
    const { status, stdout } = chimera("check", "--config", file);
    expect(status).toBe(0);
    expect(stdout).toContain("model chimera: small, large");
  });

  const simulateSample = (...args: string[]): ReturnType<typeof chimera> =>
    chimera(
      "simulate",
      "--runs",
      join(root, "samples/runs.jsonl.gz"),
      "--tasks",
      join(root, "samples/tasks.jsonl.gz"),
      "--models",
      "Qwen2.5-1.5B-Instruct,Qwen2.5-7B-Instruct",
      ...args,
    );

  test("a simulated engine dies, clients leave, the price has a target, a page is written", () => {
    const page = join(folder, "run.html");
    const wrong = ["--kill", "Qwen2.5-1.5B-Instruct@5+5", "--patience", "20", "--report", page];
    const run = ["--workflows", "100", "--policy", "auto", "--target", "latency=60", "--json"];
    const { status, stdout } = simulateSample(...run, ...wrong);
    expect(status).toBe(0);
    const [{ completed, failed }] = JSON.parse(stdout).policies;
    expect(failed["client-gone"]).toBeGreaterThan(0);
    expect(completed + failed["client-gone"]).toBe(100);
    expect(readFileSync(page, "utf8")).toContain("<h2>Inside auto</h2>");
    expect(simulateSample("--kill", "nobody@5").stderr).toContain('no engine "nobody"');
    expect(simulateSample("--target", "fast").stderr).toContain("latency=MS_PER_TOKEN");
  });

  test("the shipped sample is simulated under any policy", () => {
    const policies = ["--policy", "balancer,auto", "--workflows", "100"];
    const { status, stdout } = simulateSample(...policies, "--json");
    expect(status).toBe(0);
    expect(JSON.parse(stdout).policies).toMatchObject([
      { policy: "balancer", completed: 100 },
      { policy: "auto", completed: 100 },
    ]);
  });

  const scenario = join(root, "../shared/fixtures/scheduler/01-batch-of-two.json");
  test.skipIf(!existsSync(scenario))("a scenario prints rows shaped as its expectation", () => {
    const { status, stdout } = chimera("simulate", "--scenario", scenario, "--json");
    expect(status).toBe(0);
    expect(JSON.parse(stdout)[0]).toEqual({
      workflow: "a",
      stage: 0,
      engine: "e0",
      readyMs: 0,
      startMs: 0,
      endMs: 42,
      preemptions: 0,
    });
  });
});
