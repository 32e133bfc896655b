/**
 * Several gateways over the same engines that hear of one another's load with a delay:
 * `npm run -s bench -- gateways [--workflows 3000] [--rate 5.5]`.
 *
 * Six engines (two of each of three models), workflows without texts, policy `auto`, one cold-start
 * predictor for all, three seeds. Speed is ms per token against one gateway; below 1 is slower.
 */
import { parseArgs } from "node:util";
import { AUTO } from "../src/core/policies.ts";
import { ColdStart } from "../src/predict/cold-start.ts";
import { poissonTimes, populated } from "../src/sim/arrivals.ts";
import { PLAIN_ENGINE, UNBOUNDED } from "../src/sim/capacity.ts";
import { drive } from "../src/sim/driver.ts";
import { engineSpecOf } from "../src/sim/engine-file.ts";
import { EngineModel } from "../src/sim/engine-model.ts";
import type { SimulatedEngine } from "../src/sim/engine-seat.ts";
import type { RecordedWorkflow } from "../src/sim/recorded-workload.ts";
import { outcomesOf, reportOf } from "../src/sim/report.ts";
import type { RunningWorkflow } from "../src/sim/running-workflow.ts";
import { SeveralGateways } from "../src/sim/several-gateways.ts";
import { drawProblems, engineOf, MODELS } from "./simulate.ts";

const SEEDS = [1, 2, 3];

interface Setting {
  readonly gateways: number;
  readonly delayMs: number;
  readonly workflows: number;
  readonly perSecond: number;
}

interface Means {
  readonly msPerToken: number;
  readonly p95Ms: number;
  readonly longestWaitMs: number;
  readonly score: number;
}

function play(setting: Setting, problems: readonly RecordedWorkflow[], seed: number): Means {
  const specs = [...MODELS, ...MODELS].map((model, index) => ({
    ...engineOf(model, index % MODELS.length),
    name: `e${index}`,
  }));
  const engines = specs.map((spec): SimulatedEngine => ({
    spec: engineSpecOf(spec, 1),
    model: new EngineModel(spec, PLAIN_ENGINE),
  }));
  const scheduler = { policy: AUTO, seed, ...UNBOUNDED };
  const ended: RunningWorkflow[] = [];
  const core = new SeveralGateways(
    { ...scheduler, engines: engines.map(({ spec }) => spec) },
    setting.gateways,
    setting.delayMs,
  );
  drive(core, {
    scheduler,
    engines,
    engineOrder: "fcfs",
    workflows: populated(problems, poissonTimes(setting.workflows, setting.perSecond, seed), seed),
    estimator: new ColdStart({ confidence: {} }),
    queueWaitMsMax: Number.POSITIVE_INFINITY,
    onWorkflow: (running) => void ended.push(running),
  });
  const report = reportOf("auto", outcomesOf({ workflows: ended }));
  return {
    msPerToken: report.msPerToken?.mean ?? Number.NaN,
    p95Ms: report.completionMs?.p95 ?? Number.NaN,
    longestWaitMs: report.queueWaitMs?.longest ?? Number.NaN,
    score: report.scoreMean,
  };
}

function meansOf(setting: Setting, problems: readonly RecordedWorkflow[]): Means {
  const runs = SEEDS.map((seed) => play(setting, problems, seed));
  const mean = (of: (run: Means) => number): number =>
    runs.reduce((sum, run) => sum + of(run), 0) / runs.length;
  return {
    msPerToken: mean((run) => run.msPerToken),
    p95Ms: mean((run) => run.p95Ms),
    longestWaitMs: mean((run) => run.longestWaitMs),
    score: mean((run) => run.score),
  };
}

export function run(print: (line: string) => void): void {
  const { values } = parseArgs({
    args: process.argv.slice(3),
    options: {
      workflows: { type: "string", default: "3000" },
      rate: { type: "string", default: "5.5" },
    },
  });
  const problems = drawProblems();
  const workload = { workflows: Number(values.workflows), perSecond: Number(values.rate) };
  const one = meansOf({ gateways: 1, delayMs: 0, ...workload }, problems);
  print("gateways  delay ms  ms/token  speed  p95 completion s  longest wait s  score  points");
  const line = (gateways: number, delayMs: number, means: Means): void =>
    print(
      [
        String(gateways).padStart(8),
        String(delayMs).padStart(8),
        means.msPerToken.toFixed(1).padStart(8),
        `x${(one.msPerToken / means.msPerToken).toFixed(2)}`,
        (means.p95Ms / 1000).toFixed(1).padStart(16),
        (means.longestWaitMs / 1000).toFixed(1).padStart(14),
        means.score.toFixed(3),
        ((means.score - one.score) * 100).toFixed(1).padStart(6),
      ].join("  "),
    );
  line(1, 0, one);
  for (const gateways of [2, 4, 8]) {
    for (const delayMs of [0, 100, 1000]) {
      line(gateways, delayMs, meansOf({ gateways, delayMs, ...workload }, problems));
    }
  }
}
