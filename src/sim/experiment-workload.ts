import { join } from "node:path";
import { loadLearned, type LearnedModels } from "../predict/learned.ts";
import { windowOf, poissonArrivals, populate, readArrivals } from "./arrivals.ts";
import { capacityPerSecond } from "./capacity.ts";
import type { RouterModel } from "../predict/router-model.ts";
import { isLearned, predictorOf, workflowsOf, type Experiment, type Trial } from "./experiment.ts";
import type { ExperimentWorkload, LearnedSpec } from "./experiment-document.ts";
import type { Disturbances } from "./disturbance.ts";
import { asPlayed, learnedKey, TRAINING_PARTS, type LearnedBytes } from "./experiment-learning.ts";
import { remembering } from "./experiment-memory.ts";
import { readRecorded, type RecordedFiles } from "./experiment-source.ts";
import { generate } from "./generator.ts";
import { createNeighbourRouter } from "./neighbour-router.ts";
import { recordedWorkload, type RecordedWorkload } from "./recorded-workload.ts";
import { routerExamples } from "./router-examples.ts";
import type { Run, Task } from "./run-file.ts";
import type { ScenarioEngine } from "./scenario.ts";
import type { PlayableWorkflow } from "./workload.ts";

/** Draws generated problems and the backlog that capacity is measured with; windows have their own seeds. */
const WORKLOAD_SEED = 1;
/** Calls to models outside the cluster (critics). */
const EXTERNAL_MS_PER_TOKEN = 20;
/** KV tokens of a sequence, for the profile that Algorithm 1 is given. */
const PROFILED_TOKENS_PER_SEQUENCE = 1000;

export interface PlayedTrial {
  readonly engines: readonly ScenarioEngine[];
  readonly workflows: readonly PlayableWorkflow[];
  readonly recorded: RecordedWorkload;
  readonly workflowsPerSecond: number;
  /** Workflows per second at load 1; null where the rate is given and nothing had to be measured. */
  readonly capacityPerSecond: number | null;
  /** What a learned predictor of the trial knows; null where it has none. */
  readonly learned: LearnedModels | null;
  /** Null where nothing goes wrong. */
  readonly disturbances: Disturbances | null;
}

/** Reads, draws and measures what trials need, each thing once: trials of one experiment share most of it. */
export class ExperimentWorkloads {
  readonly #experiment: Experiment;
  readonly #dataFolder: string;
  readonly #recorded = new Map<string, RecordedWorkload>();
  readonly #capacities = new Map<string, number>();
  readonly #learnedBytes: LearnedBytes;
  readonly #learned = new Map<string, LearnedModels>();
  #trace: readonly number[] | null = null;

  constructor(experiment: Experiment, dataFolder: string, learnedBytes: LearnedBytes) {
    this.#experiment = experiment;
    this.#dataFolder = dataFolder;
    this.#learnedBytes = learnedBytes;
  }

  /** Throws when a file cannot be read or holds no problem that ran on all models. */
  async play(trial: Trial): Promise<PlayedTrial> {
    const recorded = await this.#recordedOf(trial.workload);
    const engines = enginesOf(this.#experiment, trial);
    const predictor = predictorOf(trial);
    const { unit, value } = trial.rate;
    const capacity = unit === "load" ? this.#capacityOf(trial, engines, recorded) : null;
    const perSecond = capacity === null ? value / callsOf(recorded) : value * capacity;
    const arrivalsMs = await this.#arrivals(trial, perSecond);
    return {
      engines,
      workflows: populate(recorded.workflows, arrivalsMs, trial.seed),
      recorded,
      workflowsPerSecond: perSecond,
      capacityPerSecond: capacity,
      learned: isLearned(predictor) ? await this.#learnedOf(trial.workload, predictor) : null,
      disturbances: disturbancesOf(this.#experiment, engines, arrivalsMs.at(-1) ?? 0, trial.seed),
    };
  }

  async #learnedOf(
    { name, recorded }: ExperimentWorkload,
    spec: LearnedSpec,
  ): Promise<LearnedModels> {
    if (recorded === undefined) throw new Error(`${name}: predictors learn from recorded runs`);
    const bytesOf = (part: Parameters<typeof learnedKey>[1]): Uint8Array | null =>
      this.#learnedBytes[learnedKey(recorded, part)] ?? null;
    const key = JSON.stringify([recorded.runs, spec]);
    const known = this.#learned.get(key);
    if (known !== undefined) return known;
    const { lengths, router = false } = spec.learned;
    const result = loadLearned({
      length: lengths === undefined ? null : bytesOf(lengths),
      router: router === true ? bytesOf("router") : null,
      priors: {},
    });
    if (!result.ok) throw new Error(`${name}: ${result.message}`);
    const { models } = result;
    const isNear = router === "neighbours";
    const learned = remembering(
      isNear ? { ...models, router: await this.#neighboursOf(recorded) } : models,
    );
    this.#learned.set(key, learned);
    return learned;
  }

  /** Taught by the runs that teach the others; quick enough to be learned where it is asked. */
  async #neighboursOf(recorded: RecordedFiles): Promise<RouterModel | null> {
    const { runs, ...texts } = await readRecorded(recorded, this.#dataFolder);
    return createNeighbourRouter(routerExamples(runs.map(asPlayed), texts, TRAINING_PARTS));
  }

  async #recordedOf(workload: ExperimentWorkload): Promise<RecordedWorkload> {
    const known = this.#recorded.get(workload.name);
    if (known !== undefined) return known;
    const { runs, ...texts } = await this.#sourceOf(workload);
    const options = { parts: null, externalMsPerToken: EXTERNAL_MS_PER_TOKEN };
    const recorded = recordedWorkload(runs, texts, { models: workload.models, ...options });
    if (recorded.workflows.length === 0) {
      throw new Error(`${workload.name}: no problem was run on all of its models`);
    }
    this.#recorded.set(workload.name, recorded);
    return recorded;
  }

  async #sourceOf({ name, recorded, generated }: ExperimentWorkload) {
    if (generated !== undefined) return generatedSource(generated);
    if (recorded === undefined) throw new Error(`${name}: neither recorded nor generated`);
    return readRecorded(recorded, this.#dataFolder);
  }

  /** Replicas of a model are as fast as one another: one of them is measured. */
  #capacityOf(
    { workload, batchLimit }: Trial,
    engines: readonly ScenarioEngine[],
    recorded: RecordedWorkload,
  ): number {
    let capacity = 0;
    for (const engine of engines) {
      const key = JSON.stringify([workload.name, batchLimit, engine.model]);
      const known = this.#capacities.get(key);
      const own = known ?? capacityPerSecond([engine], recorded.workflows, WORKLOAD_SEED);
      this.#capacities.set(key, own);
      capacity += own;
    }
    return capacity;
  }

  async #arrivals({ seed, workload }: Trial, perSecond: number): Promise<number[]> {
    const { arrivals } = this.#experiment;
    const workflows = workflowsOf(this.#experiment, workload);
    if (arrivals === "poisson") return poissonArrivals(workflows, perSecond, seed);
    if (this.#trace === null) {
      const result = await readArrivals(join(this.#dataFolder, arrivals.trace));
      if (!result.ok) throw new Error(result.message);
      this.#trace = result.trace;
    }
    return windowOf(this.#trace, workflows, perSecond, seed);
  }
}

/** Files of the data folder that an experiment reads. */
export function filesOf({ workloads, arrivals }: Experiment): string[] {
  const recorded = workloads.flatMap((workload) => Object.values(workload.recorded ?? {}));
  const traces = arrivals === "poisson" ? [] : [arrivals.trace];
  return [...new Set([...recorded, ...traces])].filter((file) => file !== undefined);
}

function enginesOf(experiment: Experiment, { workload, batchLimit }: Trial): ScenarioEngine[] {
  return workload.models.flatMap((model) => {
    const engine = experiment.engines[model];
    if (engine === undefined) throw new Error(`no engine for ${model}`);
    const { replicas: ofModel, ...timing } = engine;
    const replicas = ofModel * workload.replicas;
    const held = Math.min(timing.kvTokens, PROFILED_TOKENS_PER_SEQUENCE * batchLimit);
    return Array.from({ length: replicas }, (_, replica) => ({
      ...timing,
      name: replicas === 1 ? model : `${model}-${replica}`,
      model,
      maxSequences: batchLimit,
      prefixCache: true,
      profileMsPerToken:
        timing.baseMs + timing.perSequenceMs * batchLimit + timing.perKvTokenMs * held,
      profileBatch: batchLimit,
    }));
  });
}

/** Shares of the time of arrivals become times; a fault of a model is one of each of its engines. */
function disturbancesOf(
  { disturbances }: Experiment,
  engines: readonly ScenarioEngine[],
  spanMs: number,
  seed: number,
): Disturbances | null {
  if (disturbances === undefined) return null;
  const { patienceSecondsMean, faults } = disturbances;
  return {
    patienceMsMean: patienceSecondsMean === undefined ? null : patienceSecondsMean * 1000,
    faults: faults.flatMap(({ model, atShare, downShare }) =>
      engines
        .filter((engine) => engine.model === model)
        .map(({ name }) => ({ engine: name, atMs: atShare * spanMs, downMs: downShare * spanMs })),
    ),
    seed,
  };
}

function generatedSource({ domain, problems }: NonNullable<ExperimentWorkload["generated"]>) {
  const runs: Run[] = [];
  const tasks: Task[] = [];
  for (const problem of generate({ domains: [domain], problems, seed: WORKLOAD_SEED })) {
    tasks.push(problem.task);
    for (const run of problem.runs) runs.push({ ...run, template: null });
  }
  return { runs, tasks, templates: [] };
}

/** Mean number of LLM calls of a workflow, over problems and models. */
function callsOf({ workflows }: RecordedWorkload): number {
  const counts = workflows.flatMap((workflow) =>
    Object.values(workflow.courses).map((course) => course.stages.length),
  );
  return counts.reduce((sum, count) => sum + count, 0) / counts.length;
}
