/**
 * An encoder's folder as Node runs it: its tokens and logits against those that torch wrote into
 * `checks.json`, the order of the models by them, and milliseconds per prompt on one thread.
 *
 *     npm run -s bench -- encoder --model FOLDER [--rounds 30]
 *
 * Ends with 1 where tokens or logits differ, or the order of two models whose logits are further apart than
 * the tolerance.
 */
import { readFile } from "node:fs/promises";
import path from "node:path";
import { performance } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { z } from "zod";
import { readEncoderFolder } from "../src/predict/encoder-folder.ts";
import { openEncoder, type EncoderSession } from "../src/predict/encoder-session.ts";

const LENGTHS = [64, 128, 256];
const BATCHES = [1, 8];
/** A token that every vocabulary has; which it is makes no difference to the time. */
const TOKEN = 5;

type Print = (line: string) => void;

const checksSchema = z.object({
  /** Largest difference of a logit; null where the weights were quantised and only the order is told. */
  tolerance: z.number().nullable(),
  cases: z.array(
    z.object({ text: z.string(), tokens: z.array(z.number()), logits: z.array(z.number()) }),
  ),
});
type Checks = z.infer<typeof checksSchema>;

export async function run(print: Print): Promise<void> {
  const { values } = parseArgs({
    args: process.argv.slice(3),
    options: { model: { type: "string" }, rounds: { type: "string", default: "30" } },
  });
  if (values.model === undefined) throw new Error("--model FOLDER is missing");
  const startedMs = performance.now();
  const folder = await readEncoderFolder(values.model);
  if (!folder.ok) throw new Error(folder.fault.message);
  const opened = await openEncoder(folder.value);
  if (!opened.ok) throw new Error(opened.fault.message);
  const loadedMs = performance.now() - startedMs;
  const { model, labels } = folder.value.manifest;
  print(`${model.precision}, ${labels.length} models, loaded in ${loadedMs.toFixed(0)} ms`);
  const text = await readFile(path.join(values.model, "checks.json"), "utf8");
  const isSame = await compare(opened.value, checksSchema.parse(JSON.parse(text)), print);
  await measure(opened.value, Number(values.rounds), print);
  await opened.value.close();
  if (!isSame) process.exitCode = 1;
}

async function compare(
  encoder: EncoderSession,
  { tolerance, cases }: Checks,
  print: Print,
): Promise<boolean> {
  const rows = cases.map((check) => encoder.tokensOf(check.text));
  const sameTokens = cases.filter(({ tokens }, index) => same(tokens, rows[index] ?? [])).length;
  const order = { pairs: 0, kept: 0 };
  let largest = 0;
  for (const [index, { logits }] of cases.entries()) {
    const [found = new Float32Array()] = await encoder.logitsOf([rows[index] ?? []]);
    for (const [label, expected] of logits.entries()) {
      largest = Math.max(largest, Math.abs((found[label] ?? Number.POSITIVE_INFINITY) - expected));
    }
    tallyOrder(order, logits, { found, tolerance: tolerance ?? 0 });
  }
  const { pairs, kept } = order;
  print(`tokens: ${sameTokens} of ${cases.length} texts alike`);
  print(`logits: differ from torch by ${largest.toExponential(1)} at most`);
  print(`order: ${kept} of ${pairs} pairs of models alike`);
  if (tolerance === null) return sameTokens === cases.length;
  return sameTokens === cases.length && largest < tolerance && kept === pairs;
}

/** Pairs whose logits are closer than both may be off are left out. */
function tallyOrder(
  order: { pairs: number; kept: number },
  expected: readonly number[],
  { found, tolerance }: { readonly found: Float32Array; readonly tolerance: number },
): void {
  for (const [label, logit] of expected.entries()) {
    for (let other = 0; other < label; other++) {
      const gap = logit - (expected[other] ?? 0);
      if (Math.abs(gap) <= 2 * tolerance) continue;
      order.pairs++;
      if (Math.sign((found[label] ?? 0) - (found[other] ?? 0)) === Math.sign(gap)) order.kept++;
    }
  }
}

function same(some: readonly number[], others: readonly number[]): boolean {
  return some.length === others.length && some.every((value, index) => value === others[index]);
}

/** Median and the quickest, per prompt; CPU time beside them, because the machine may be shared. */
async function measure(encoder: EncoderSession, rounds: number, print: Print): Promise<void> {
  print("tokens  batch  ms a prompt: median  least  CPU");
  for (const length of LENGTHS) {
    for (const batch of BATCHES) {
      const rows = Array.from({ length: batch }, () => Array.from({ length }, () => TOKEN));
      await encoder.logitsOf(rows);
      const times: number[] = [];
      const before = process.cpuUsage();
      for (let round = 0; round < rounds; round++) {
        const startedMs = performance.now();
        await encoder.logitsOf(rows);
        times.push((performance.now() - startedMs) / batch);
      }
      const { user, system } = process.cpuUsage(before);
      times.sort((a, b) => a - b);
      const cpuMs = (user + system) / 1000 / rounds / batch;
      const figures = [times[Math.floor(rounds / 2)] ?? 0, times[0] ?? 0, cpuMs];
      const cells = figures.map((ms) => ms.toFixed(2).padStart(7)).join("");
      print(`${String(length).padStart(6)}  ${String(batch).padStart(5)}             ${cells}`);
    }
  }
}
