import { loadConfig } from "../config/load.ts";
import { formatProblem } from "../config/problem.ts";
import { engineFindings } from "./engine-findings.ts";
import { type Finding, fail, ok } from "./finding.ts";
import { hostFindings, nodeFinding } from "./host-findings.ts";
import { plainText } from "./plain-text.ts";
import type { ExitCode, Printer } from "./printer.ts";

export interface DoctorFlags {
  readonly config: string;
  readonly json: boolean;
}

/** `chimera doctor`: what is wrong with a config, its engines and this machine, and how to mend it. */
export async function doctor({ config, json }: DoctorFlags, printer: Printer): Promise<ExitCode> {
  const findings = [nodeFinding(process.versions.node), ...(await configFindings(config))];
  const isWell = findings.every(({ status }) => status !== "fail");
  if (json) printer.out(JSON.stringify({ ok: isWell, findings }));
  else for (const finding of findings) print(finding, printer);
  return isWell ? 0 : 1;
}

async function configFindings(file: string): Promise<Finding[]> {
  const result = await loadConfig({ file, environment: process.env, flags: {} });
  if (!result.ok) {
    const mend = "see docs/configuration.md, or write a new one: chimera init";
    return result.problems.map((problem) => fail("config", formatProblem(problem), mend));
  }
  const { config } = result;
  const [host, ...engines] = await Promise.all([
    hostFindings(config),
    ...config.engines.map(engineFindings),
  ]);
  return [ok("config", `${file} is well formed`), ...host, ...engines.flat()];
}

function print({ about, status, message, mend }: Finding, printer: Printer): void {
  printer.out(plainText(`${status.padEnd(4)}  ${about}: ${message}`));
  if (mend !== null) printer.out(`      -> ${mend}`);
}
