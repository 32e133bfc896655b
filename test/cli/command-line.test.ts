import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
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

  test("the shipped sample is simulated under any policy", () => {
    const { status, stdout } = chimera(
      "simulate",
      "--runs",
      join(root, "samples/runs.jsonl.gz"),
      "--tasks",
      join(root, "samples/tasks.jsonl.gz"),
      "--models",
      "Qwen2.5-1.5B-Instruct,Qwen2.5-7B-Instruct",
      "--policy",
      "balancer,auto",
      "--workflows",
      "100",
      "--json",
    );
    expect(status).toBe(0);
    const { policies } = JSON.parse(stdout);
    expect(policies).toMatchObject([
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
