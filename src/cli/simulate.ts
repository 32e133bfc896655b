import { readFile } from "node:fs/promises";
import { isPolicyFile, readPolicyFile } from "../config/policy-file.ts";
import { POLICIES } from "../core/policies.ts";
import type { Policy, Target } from "../core/types.ts";
import { ColdStart } from "../predict/cold-start.ts";
import { isEncoderPath } from "../predict/open-learned.ts";
import type { Estimator } from "../predict/port.ts";
import { PLAIN_ENGINE, UNBOUNDED } from "../sim/capacity.ts";
import { simulate } from "../sim/driver.ts";
import type { SimulationOptions, SimulationResult, StageResult } from "../sim/simulation.ts";
import type { Disturbances } from "../sim/disturbance.ts";
import type { ObservedRun } from "../sim/report-run.ts";
import type { Kill } from "./live-run.ts";
import { writeRunReport } from "./run-report.ts";
import { engineSpecOf } from "../sim/engine-file.ts";
import { EngineModel } from "../sim/engine-model.ts";
import { comparisonTable, outcomesOf, reportOf, type PolicyReport } from "../sim/report.ts";
import { parseScenario, runScenario } from "../sim/scenario.ts";
import { createTruth } from "../sim/truth.ts";
import { readLearned, withModels, type LearnedFlags } from "./learned-files.ts";
import { readWorkload, type PlayedWorkload, type WorkloadFlags } from "./played-workload.ts";
import type { ExitCode, Printer } from "./printer.ts";

export interface PolicyFlags {
  /** Names or files. */
  readonly policies: readonly string[];
  /** What the price of those that have one moves to meet; null: it stays. */
  readonly target: Target | null;
}

export interface SimulateFlags extends WorkloadFlags, LearnedFlags, PolicyFlags {
  readonly predictor: "cold-start" | "truth";
  readonly json: boolean;
  readonly kill?: Kill | undefined;
  /** Mean patience of clients, seconds. */
  readonly patience?: number | undefined;
  /** HTML page to write. */
  readonly report?: string | undefined;
}

/** `chimera simulate --scenario FILE`: one small exact case; prints a row for each stage. */
export async function simulateScenario(
  file: string,
  json: boolean,
  printer: Printer,
): Promise<ExitCode> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, "utf8"));
  } catch (error) {
    printer.say(`${file}: ${error instanceof Error ? error.message : String(error)}`);
    return 2;
  }
  const parsed = parseScenario(value);
  if (!parsed.ok) {
    for (const problem of parsed.problems) printer.say(`${file}: ${problem}`);
    return 2;
  }
  const rows = runScenario(parsed.scenario).map(({ model: _model, ...row }) => row);
  if (json) printer.out(JSON.stringify(rows, null, 1));
  else {
    printer.out("workflow  stage  engine    ready ms   start ms     end ms  preempted");
    for (const row of rows) {
      const times = [row.readyMs, row.startMs, row.endMs].map((ms) => String(ms).padStart(10));
      printer.out(
        `${row.workflow.padEnd(9)} ${String(row.stage).padStart(5)}  ${row.engine.padEnd(8)}` +
          `${times.join(" ")} ${String(row.preemptions).padStart(10)}`,
      );
    }
  }
  return 0;
}

/** `chimera simulate --runs ...`: a recorded workload under one policy after the other. */
export async function simulateRuns(flags: SimulateFlags, printer: Printer): Promise<ExitCode> {
  const policies = await policiesOf(flags, printer);
  if (policies === null) return 2;
  const learned = await readLearned(flags, {}, printer);
  if (learned !== null && isEncoderPath(learned.files.router)) {
    printer.say("the simulator answers at once and takes no encoder: give a router's file");
    return 2;
  }
  const workload = learned === null ? null : await readWorkload(flags, printer);
  if (learned === null || workload === null) return 2;
  const disturbances = disturbancesOf(flags, workload, printer);
  if (disturbances === null) return 2;
  const reports: PolicyReport[] = [];
  const runs: ObservedRun[] = [];
  const batchLimit = Math.max(...workload.engines.map((engine) => engine.maxSequences));
  for (const [name, policy] of policies) {
    printer.progress(`simulating ${name}`);
    const estimator = withModels(learned, estimatorOf(flags, workload));
    const showsText = learned.models !== null;
    const stages: StageResult[] = [];
    const onStage = flags.report === undefined ? {} : { onStage: stages.push.bind(stages) };
    const seen = { estimator, showsText, seed: flags.seed, disturbances, ...onStage };
    reports.push(reportOf(name, outcomesOf(simulateWorkload(workload, policy, seen))));
    runs.push({ label: name, batchLimit, stages });
  }
  printReports(reports, workload, flags, printer);
  if (flags.report !== undefined) {
    const about = `${workload.workflows.length} workflows, load ${flags.load}, seed ${flags.seed}, predictor ${flags.predictor}.`;
    await writeRunReport(flags.report, { about, runs, reports });
  }
  return 0;
}

/** What goes wrong by the flags; null, and said, where an engine is named that is not there. */
function disturbancesOf(
  { kill, patience, seed }: SimulateFlags,
  { engines }: PlayedWorkload,
  printer: Printer,
): Disturbances | null {
  if (kill !== undefined && !engines.some(({ name }) => name === kill.engine)) {
    printer.say(
      `no engine "${kill.engine}"; there are ${engines.map(({ name }) => name).join(", ")}`,
    );
    return null;
  }
  const faults =
    kill === undefined
      ? []
      : [{ engine: kill.engine, atMs: kill.atSeconds * 1000, downMs: kill.downSeconds * 1000 }];
  return { faults, patienceMsMean: patience === undefined ? null : patience * 1000, seed };
}

/** The policies with these names, or in these files; says what is wrong with one and answers null then. */
export async function policiesOf(
  { policies: names, target }: PolicyFlags,
  printer: Printer,
): Promise<readonly (readonly [string, Policy])[] | null> {
  const policies: (readonly [string, Policy])[] = [];
  for (const name of names) {
    if (isPolicyFile(name)) {
      const read = await readPolicyFile(name);
      if (!read.ok) {
        printer.say(read.message);
        return null;
      }
      policies.push([read.name, read.policy]);
      continue;
    }
    const policy = POLICIES[name];
    if (policy === undefined) {
      printer.say(`no policy "${name}"; there are ${Object.keys(POLICIES).join(", ")}`);
      return null;
    }
    policies.push([name, policy.choice === "auto" ? { ...policy, target } : policy]);
  }
  return policies;
}

/** One policy over a workload, with requests held in the gateway's queues. */
export function simulateWorkload(
  workload: PlayedWorkload,
  policy: Policy,
  options: Pick<SimulationOptions, "estimator" | "showsText" | "disturbances" | "onStage"> & {
    readonly seed: number;
  },
): SimulationResult {
  const { seed, ...seen } = options;
  return simulate({
    scheduler: { policy, seed, ...UNBOUNDED },
    engines: workload.engines.map((engine) => ({
      spec: engineSpecOf(engine, 1),
      model: new EngineModel(engine, PLAIN_ENGINE),
    })),
    engineOrder: "fcfs",
    workflows: workload.workflows,
    ...seen,
    queueWaitMsMax: Number.POSITIVE_INFINITY,
  });
}

/** A fresh estimator that has seen the runs which are not played. */
export function estimatorOf(
  flags: Pick<SimulateFlags, "predictor">,
  workload: PlayedWorkload,
): Estimator {
  if (flags.predictor === "truth") return createTruth(workload.workflows);
  const coldStart = new ColdStart({ confidence: {} });
  for (const seen of workload.training) {
    for (const stage of seen.stages) coldStart.stageEnded(stage);
    coldStart.workflowEnded(seen);
  }
  return coldStart;
}

/** What was run, and the table; as JSON one object with the reports. */
export function printReports(
  reports: readonly PolicyReport[],
  workload: PlayedWorkload,
  flags: WorkloadFlags & { readonly json: boolean },
  printer: Printer,
): void {
  const { capacity, recorded, training, engines } = workload;
  const settings = {
    workflows: workload.workflows.length,
    problems: recorded.workflows.length,
    trainingRuns: training.length,
    load: flags.load,
    capacityPerSecond: capacity,
    seed: flags.seed,
    engines,
  };
  if (flags.json) return printer.out(JSON.stringify({ ...settings, policies: reports }, null, 1));
  printer.out(
    `${settings.workflows} workflows over ${settings.problems} problems, ` +
      `${settings.trainingRuns} runs to learn from, seed ${flags.seed}`,
  );
  printer.out(
    `load ${flags.load} of ${capacity.toFixed(3)} workflows/s on ` +
      engines.map((engine) => `${engine.name} (${engine.model})`).join(", "),
  );
  for (const line of comparisonTable(reports)) printer.out(line);
}
