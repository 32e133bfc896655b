import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { readEncoderFolder } from "./encoder-folder.ts";
import { loadEncoderRouter } from "./encoder-router.ts";
import { openEncoder, type EncoderSession } from "./encoder-session.ts";
import { createTokenReader } from "./encoder-text.ts";
import type { StageFacts } from "./port.ts";

/** Random weights, made by `training/`. */
const FIXTURE = fileURLToPath(new URL("../../test/fixtures/encoder", import.meta.url));
const TOLERANCE = 1e-4;

interface Check {
  readonly text: string;
  readonly tokens: readonly number[];
  readonly logits: readonly number[];
}

const folders: string[] = [];
afterEach(async () => {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true })));
});

async function copy(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), "encoder-"));
  folders.push(folder);
  await cp(FIXTURE, folder, { recursive: true });
  return folder;
}

async function changed(change: (manifest: Record<string, unknown>) => void): Promise<string> {
  const folder = await copy();
  const file = path.join(folder, "chimera.json");
  const manifest = JSON.parse(await readFile(file, "utf8"));
  change(manifest);
  await writeFile(file, JSON.stringify(manifest));
  return folder;
}

async function checks(): Promise<readonly Check[]> {
  return JSON.parse(await readFile(path.join(FIXTURE, "checks.json"), "utf8")).cases;
}

async function session(): Promise<EncoderSession> {
  const folder = await readEncoderFolder(FIXTURE);
  if (!folder.ok) throw new Error(folder.fault.message);
  const opened = await openEncoder(folder.value);
  if (!opened.ok) throw new Error(opened.fault.message);
  return opened.value;
}

function stage(user: string): StageFacts {
  return {
    workflowId: "w",
    kind: "unknown",
    role: null,
    stage: 0,
    pool: "chimera",
    promptTokens: 10,
    systemTokens: 0,
    userTokens: 10,
    outputTokensMax: null,
    expectedOutputTokens: null,
    callsLeft: null,
    producedTokens: [],
    text: user === "" ? null : { system: "", user, recent: [] },
  };
}

function codePointsOf(text: string): number[] {
  return Array.from(text, (character) => character.codePointAt(0) ?? 0);
}

async function refusal(folder: string): Promise<string> {
  const loaded = await loadEncoderRouter(folder);
  return loaded.ok ? "loaded" : `${loaded.fault.code}: ${loaded.fault.message}`;
}

test("tokens and logits are those of the training, alone and in a batch", async () => {
  const encoder = await session();
  const cases = await checks();
  const rows = cases.map(({ text }) => encoder.tokensOf(text));
  expect(rows).toEqual(cases.map(({ tokens }) => tokens));
  const together = await encoder.logitsOf(rows);
  for (const [index, { logits }] of cases.entries()) {
    const [alone] = await encoder.logitsOf([rows[index] ?? []]);
    for (const [label, expected] of logits.entries()) {
      expect(Math.abs((alone?.[label] ?? Number.NaN) - expected)).toBeLessThan(TOLERANCE);
      const inBatch = together[index]?.[label] ?? Number.NaN;
      expect(Math.abs(inBatch - expected)).toBeLessThan(TOLERANCE);
    }
  }
  expect(await encoder.logitsOf([])).toEqual([]);
  await encoder.close();
});

test("a longer text loses the side that the manifest names, never half a character", () => {
  const rule = { tokensMax: 5, charactersMax: 7, prefix: [1], suffix: [2], pad: 0 };
  const left = createTokenReader({ ...rule, truncate: "left" }, codePointsOf);
  const right = createTokenReader({ ...rule, truncate: "right" }, codePointsOf);
  expect(left("abcdefgh")).toEqual([1, 102, 103, 104, 2]);
  expect(right("abcdefgh")).toEqual([1, 97, 98, 99, 2]);
  const seen: string[] = [];
  const spy = createTokenReader({ ...rule, truncate: "left" }, (text) => {
    seen.push(text);
    return [];
  });
  expect(spy("a😀bcdefg")).toEqual([1, 2]);
  expect(seen).toEqual(["bcdefg"]);
});

test("confidences are calibrated, and a model without a label says that it has a prior", async () => {
  const loaded = await loadEncoderRouter(FIXTURE, { given: 0.9 });
  if (!loaded.ok) throw new Error(loaded.fault.message);
  const [first] = await checks();
  if (first === undefined) throw new Error("the fixture has checks");
  const router = await loaded.value.read([stage(first.text), stage("")]);
  const names = ["small", "large", "given", "unknown"];
  const answers = router.confidence(stage(first.text), names);
  expect(answers.map(({ source }) => source)).toEqual([
    "router-encoder(n=6)",
    "router-encoder(n=6)",
    "router-encoder-prior(n=0)",
    "router-encoder-prior(n=0)",
  ]);
  const [small, large, given, unknown] = answers.map(({ confidence }) => confidence);
  expect(small).toBeCloseTo(1 / (1 + Math.exp(0.5 - (first.logits[2] ?? 0))), 4);
  expect(large).toBeCloseTo(1 / (1 + Math.exp(-0.5 - (first.logits[0] ?? 0))), 4);
  expect(given).toBeGreaterThan(unknown ?? 1);
  const silent = router.confidence(stage(""), ["medium", "unknown"]);
  expect(silent).toEqual([
    { model: "medium", confidence: 0.5, source: "router-encoder-rate(n=6)" },
    { model: "unknown", confidence: 0.5, source: "router-encoder-prior(n=0)" },
  ]);
  await loaded.value.close();
});

test("a folder that is not there, damaged, of another version or for other models is refused", async () => {
  expect(await refusal(path.join(FIXTURE, "none"))).toMatch(/^damaged: .*ENOENT/);
  const cut = await copy();
  const model = await readFile(path.join(cut, "model.onnx"));
  await writeFile(path.join(cut, "model.onnx"), model.subarray(0, -100));
  expect(await refusal(cut)).toBe("damaged: the checksum of model.onnx does not match");
  const newer = await changed((manifest) => (manifest["schema"] = 2));
  expect(await refusal(newer)).toBe(
    "other-version: the encoder has schema 2, this program reads 1",
  );
  const other = await changed((manifest) => (manifest["kind"] = "something"));
  expect(await refusal(other)).toBe("not-a-model: chimera.json is not of an encoder");
  const outside = await changed((manifest) => {
    manifest["model"] = { file: "../model.onnx", sha256: "0".repeat(64), precision: "float32" };
  });
  expect(await refusal(outside)).toBe("damaged: chimera.json is not whole: model.file");
  const fewer = await changed((manifest) => {
    if (Array.isArray(manifest["labels"])) manifest["labels"].pop();
  });
  expect(await refusal(fewer)).toBe("unfit: the encoder has 3 logits for 2 models");
});
