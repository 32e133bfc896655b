import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { reportOf, type PolicyReport } from "../sim/report.ts";
import { runLive, type Kill, type LiveAudit } from "./live-run.ts";
import { readWorkload, type WorkloadFlags } from "./played-workload.ts";
import type { ExitCode, Printer } from "./printer.ts";
import { estimatorOf, policiesOf, printReports, type PolicyFlags } from "./simulate.ts";

export interface ReplayFlags extends WorkloadFlags, PolicyFlags {
  readonly speedup: number;
  readonly kill: Kill | null;
  readonly json: boolean;
}

/** `chimera replay`: recorded workflows over HTTP through a live gateway, one policy after the other, same arrivals. */
export async function replayRuns(flags: ReplayFlags, printer: Printer): Promise<ExitCode> {
  const policies = await policiesOf(flags, printer);
  if (policies === null) return 2;
  const workload = await readWorkload(flags, printer);
  if (workload === null) return 2;
  const reports: (PolicyReport & { readonly audit: LiveAudit })[] = [];
  for (const [name, policy] of policies) {
    const folder = await mkdtemp(join(tmpdir(), "chimera-replay-"));
    try {
      const { result, audit } = await runLive({
        workload,
        policy,
        estimator: estimatorOf({ predictor: "cold-start" }, workload),
        speedup: flags.speedup,
        seed: flags.seed,
        playbackArgs: playbackArgs(flags),
        folder,
        kill: flags.kill,
        onProgress: ({ started, ended, open }) =>
          printer.progress(
            `${name}: ${ended} of ${workload.workflows.length} ended, ${started} started, ${open} open`,
          ),
      });
      reports.push({ ...reportOf(name, result.outcomes), audit });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }
  printReports(reports, workload, flags, printer);
  if (!flags.json) for (const report of reports) printer.out(auditLine(report));
  return reports.every(({ audit }) => isClean(audit)) ? 0 : 1;
}

function playbackArgs(flags: ReplayFlags): string[] {
  const args = ["--runs", ...flags.runs];
  if (flags.tasks.length > 0) args.push("--tasks", ...flags.tasks);
  if (flags.templates !== undefined) args.push("--templates", flags.templates);
  if (flags.parts !== null) args.push("--parts", flags.parts.join(","));
  return [...args, "--external-ms-per-token", String(flags.externalMsPerToken)];
}

function isClean(audit: LiveAudit): boolean {
  const { requestsSent, stageRows, requestsOpen, tokensInFlight, identical } = audit;
  return requestsSent === stageRows && requestsOpen === 0 && tokensInFlight === 0 && identical;
}

function auditLine({ policy, audit }: PolicyReport & { readonly audit: LiveAudit }): string {
  const { requestsSent, stageRows, workflowRows, requestsOpen, tokensInFlight } = audit;
  return (
    `${policy}: ${requestsSent} requests sent, ${stageRows} stage rows and ${workflowRows} workflow rows stored, ` +
    `${requestsOpen} requests and ${tokensInFlight} tokens left on the books; ` +
    `${audit.steps} steps replayed into a fresh core: ${audit.identical ? "identical" : "DIFFERENT"}`
  );
}
