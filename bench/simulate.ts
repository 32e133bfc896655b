/**
 * Stage calls per second of the simulator on one core, and its memory: `npm run bench -- simulate`.
 *
 * Workflows are drawn without texts and arrive, as many as are asked for, at a rate that three engines
 * keep up with; the workload is made as it is played. Time is the CPU time of the whole process in user
 * mode, garbage collection and compilation included. The heap is what is in use right after a collection
 * (`--expose-gc`, else whenever it is looked at), the largest of twenty looks.
 *
 *     npm run -s bench -- simulate [--calls 250000,500000,1000000] [--rate 3] [--predictor truth|cold-start]
 */
import { parseArgs } from "node:util";
import { POLICIES } from "../src/core/policies.ts";
import { createRandom } from "../src/core/random.ts";
import { ColdStart } from "../src/predict/cold-start.ts";
import { poissonTimes, populated } from "../src/sim/arrivals.ts";
import { PLAIN_ENGINE, UNBOUNDED } from "../src/sim/capacity.ts";
import { simulateStream } from "../src/sim/driver.ts";
import { engineSpecOf } from "../src/sim/engine-file.ts";
import { EngineModel } from "../src/sim/engine-model.ts";
import { drawCourses, drawProblem } from "../src/sim/generated-course.ts";
import type { RecordedWorkflow } from "../src/sim/recorded-workload.ts";
import type { ScenarioEngine } from "../src/sim/scenario.ts";
import { createTruth } from "../src/sim/truth.ts";
import type { PlayableCourse } from "../src/sim/workload.ts";

export const MODELS: readonly string[] = [
  "Qwen2.5-1.5B-Instruct",
  "Qwen2.5-7B-Instruct",
  "Qwen2.5-14B-Instruct",
];
const SEED = 1;
const PROBLEMS = 5000;
/** Mean number of calls of the workflows that are drawn. */
const CALLS_PER_WORKFLOW = 2.33;
const LOOKS = 20;

export function engineOf(model: string, index: number): ScenarioEngine {
  const baseMs = 8 * (index + 1);
  return {
    name: `e${index}`,
    model,
    maxSequences: 16,
    kvTokens: 400_000,
    chunkTokens: 2048,
    baseMs,
    perSequenceMs: baseMs / 100,
    perKvTokenMs: baseMs / 1e6,
    perPromptTokenMs: baseMs / 200,
    prefixCache: true,
    profileMsPerToken: baseMs * 2,
    profileBatch: 16,
  };
}

export function drawProblems(): RecordedWorkflow[] {
  const random = createRandom(SEED);
  return Array.from({ length: PROBLEMS }, (_, index) => {
    const problem = drawProblem("code", random);
    const courses: Record<string, PlayableCourse> = {};
    for (const { model, reward, stageTokens } of drawCourses(problem, random)) {
      if (!MODELS.includes(model)) continue;
      let promptTokens = 300;
      const stages = stageTokens.map((outputTokens, place) => {
        const role = problem.shape.roles[place] ?? null;
        const lengths = { promptTokens, outputTokens, predictedRemaining: null };
        promptTokens += outputTokens + 60;
        return { role, ...lengths, toolMs: 500, out: "", env: "" };
      });
      courses[model] = { score: reward, stages };
    }
    const texts = { system: "", user: "" };
    return {
      taskId: `t${index}`,
      kind: problem.shape.name,
      confidence: null,
      ...texts,
      courses,
    };
  });
}

interface Run {
  readonly predictor: string;
  readonly calls: number;
  readonly perSecond: number;
  readonly problems: readonly RecordedWorkflow[];
}

function measure({ predictor, calls, perSecond, problems }: Run): string {
  const policy = POLICIES["auto"];
  if (policy === undefined) throw new Error("the policy auto exists");
  const count = Math.round(calls / CALLS_PER_WORKFLOW);
  const workload = populated(problems, poissonTimes(count, perSecond, SEED), SEED);
  const truth = createTruth();
  const isTruth = predictor === "truth";
  let stages = 0;
  let ended = 0;
  let heapBytes = 0;
  const before = process.cpuUsage();
  simulateStream({
    scheduler: { policy, seed: SEED, ...UNBOUNDED },
    engines: MODELS.map(engineOf).map((engine) => ({
      spec: engineSpecOf(engine, 1),
      model: new EngineModel(engine, PLAIN_ENGINE),
    })),
    engineOrder: "fcfs",
    workflows: isTruth ? truth.follow(workload) : workload,
    estimator: isTruth ? truth : new ColdStart({ confidence: {} }),
    queueWaitMsMax: Number.POSITIVE_INFINITY,
    onStage: () => void stages++,
    onWorkflow: ({ workflow }) => {
      truth.forget(workflow);
      if (++ended % Math.ceil(count / LOOKS) !== 0) return;
      globalThis.gc?.();
      heapBytes = Math.max(heapBytes, process.memoryUsage().heapUsed);
    },
  });
  const seconds = process.cpuUsage(before).user / 1e6;
  const rssMb = process.resourceUsage().maxRSS / 1024;
  return [
    predictor.padEnd(10),
    String(stages).padStart(9),
    seconds.toFixed(2).padStart(8),
    (stages / seconds / 1000).toFixed(1).padStart(16),
    (heapBytes / 2 ** 20).toFixed(1).padStart(9),
    rssMb.toFixed(0).padStart(13),
  ].join("  ");
}

export function run(print: (line: string) => void): void {
  const { values } = parseArgs({
    args: process.argv.slice(3),
    options: {
      calls: { type: "string", default: "250000,500000,1000000" },
      rate: { type: "string", default: "3" },
      predictor: { type: "string" },
    },
  });
  const problems = drawProblems();
  const predictors = values.predictor === undefined ? ["truth", "cold-start"] : [values.predictor];
  const perSecond = Number(values.rate);
  // Code that has not run yet is slow.
  for (const predictor of predictors) measure({ predictor, calls: 20_000, perSecond, problems });
  print("predictor       calls   CPU s   thousand calls/s   heap MiB   peak RSS MiB");
  for (const predictor of predictors) {
    for (const calls of values.calls.split(",").map(Number)) {
      print(measure({ predictor, calls, perSecond, problems }));
    }
  }
}
