import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { readPolicyFile } from "../../src/config/policy-file.ts";
import { replayEventLog } from "../../src/gateway/event-log-replay.ts";
import { chat, closeBenches, startBench } from "./bench.ts";
import { HELLO, stream } from "./scripted-engine.ts";

const FILE = join(import.meta.dirname, "../../examples/policies/score-per-second.ts");

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "chimera-own-policy-"));
});
afterAll(() => rm(folder, { recursive: true }));
afterEach(closeBenches);

test("the policy of a file decides, and its log is repeated with the same file", async () => {
  const path = join(folder, "events.jsonl");
  const answers = stream(...HELLO);
  const bench = await startBench({
    engines: { small: answers, large: answers },
    more: { policy: { file: FILE } },
    recordEventsPath: path,
  });
  for (let request = 0; request < 3; request++) {
    const response = await chat(bench);
    expect(response.headers.get("x-chimera-rule")).toBe("own");
    await response.text();
  }
  await bench.gateway.close();

  const read = await readPolicyFile(FILE);
  if (!read.ok) throw new Error(read.message);
  const replay = await replayEventLog(path, read.policy.own);
  expect(replay).toMatchObject({ cut: false, difference: null });
  expect(replay.steps).toBeGreaterThan(3);
  await expect(replayEventLog(path)).rejects.toThrow(`the log needs the rules of ${FILE}`);
});
