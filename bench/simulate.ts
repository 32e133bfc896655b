/**
 * Stage calls per second of the simulator on one core, and its peak memory: `npm run bench -- simulate`.
 *
 * Workflows are drawn without texts, at a rate that three engines keep up with. Memory is what the run
 * itself keeps: the workload and one result per workflow, so that it grows with the workflows.
 *
 *     npm run -s bench -- simulate [--workflows 20000] [--rate 3] [--predictor truth|cold-start]
 */
import { parseArgs } from "node:util";
import { POLICIES } from "../src/core/policies.ts";
import { createRandom } from "../src/core/random.ts";
import { ColdStart } from "../src/predict/cold-start.ts";
import { poissonArrivals } from "../src/sim/arrivals.ts";
import { PLAIN_ENGINE, UNBOUNDED } from "../src/sim/capacity.ts";
import { simulate } from "../src/sim/driver.ts";
import { engineSpecOf } from "../src/sim/engine-file.ts";
import { EngineModel } from "../src/sim/engine-model.ts";
import { drawCourses, drawProblem } from "../src/sim/generated-course.ts";
import type { ScenarioEngine } from "../src/sim/scenario.ts";
import { createTruth } from "../src/sim/truth.ts";
import type { PlayableCourse, PlayableWorkflow } from "../src/sim/workload.ts";

const MODELS = ["Qwen2.5-1.5B-Instruct", "Qwen2.5-7B-Instruct", "Qwen2.5-14B-Instruct"];
const SEED = 1;

function engineOf(model: string, index: number): ScenarioEngine {
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

function draw(count: number, perSecond: number): PlayableWorkflow[] {
  const random = createRandom(SEED);
  return poissonArrivals(count, perSecond, SEED).map((arrivalMs, index) => {
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
    const ids = { id: `w${index}`, taskId: `t${index}`, kind: problem.shape.name };
    return { ...ids, arrivalMs, confidence: null, system: "", user: "", courses };
  });
}

function measure(predictor: string, workflows: readonly PlayableWorkflow[]): string {
  const policy = POLICIES["auto"];
  if (policy === undefined) throw new Error("the policy auto exists");
  let stages = 0;
  const before = process.cpuUsage();
  simulate({
    scheduler: { policy, seed: SEED, ...UNBOUNDED },
    engines: MODELS.map(engineOf).map((engine) => ({
      spec: engineSpecOf(engine, 1),
      model: new EngineModel(engine, PLAIN_ENGINE),
    })),
    engineOrder: "fcfs",
    workflows,
    estimator: predictor === "truth" ? createTruth(workflows) : new ColdStart({ confidence: {} }),
    queueWaitMsMax: Number.POSITIVE_INFINITY,
    onStage: () => void stages++,
  });
  const seconds = process.cpuUsage(before).user / 1e6;
  const rssMb = process.resourceUsage().maxRSS / 1024;
  return `${predictor.padEnd(10)} ${stages} calls, ${seconds.toFixed(2)} CPU s, ${(stages / seconds / 1000).toFixed(1)} thousand a second, peak ${rssMb.toFixed(0)} MiB`;
}

export function run(print: (line: string) => void): void {
  const { values } = parseArgs({
    args: process.argv.slice(3),
    options: {
      workflows: { type: "string", default: "20000" },
      rate: { type: "string", default: "3" },
      predictor: { type: "string" },
    },
  });
  const workflows = draw(Number(values.workflows), Number(values.rate));
  const predictors = values.predictor === undefined ? ["truth", "cold-start"] : [values.predictor];
  // The first round warms up.
  for (const round of [1, 2]) {
    for (const predictor of predictors) print(`round ${round}  ${measure(predictor, workflows)}`);
  }
}
