import { constants } from "node:fs";
import { access, statfs } from "node:fs/promises";
import { once } from "node:events";
import { createServer } from "node:net";
import { dirname, resolve } from "node:path";
import type { Config } from "../config/config.ts";
import { readTlsFiles } from "../gateway/listener.ts";
import { openTraceReader } from "../store/trace-reader.ts";
import { type Finding, fail, ok, warn } from "./finding.ts";
import { readLearned } from "./learned-files.ts";

const NODE_MIN: readonly [major: number, minor: number] = [20, 19];
const FREE_BYTES_MIN = 2 ** 30;

/** `version` as in `process.versions.node`. */
export function nodeFinding(version: string): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const isEnough = major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1]);
  if (isEnough) return ok("node", `is ${version}`);
  return fail("node", `is ${version}`, `install ${NODE_MIN.join(".")} or later`);
}

/** Address, store, model files and who may come in. */
export async function hostFindings(config: Config): Promise<Finding[]> {
  return [
    await listenFinding(config),
    ...(await tlsFindings(config)),
    ...accessFindings(config),
    ...(await storeFindings(config)),
    ...(await modelFindings(config)),
    ...confidenceFindings(config),
  ];
}

async function listenFinding({ listen }: Config): Promise<Finding> {
  const { host, port } = listen;
  const about = "listen";
  const server = createServer();
  try {
    await once(server.listen(port, host), "listening");
    return ok(about, `${host}:${port} is free`);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? String(error.code) : String(error);
    if (code === "EADDRINUSE") {
      const message = `${host}:${port} is taken: by a gateway that runs already, or by another program`;
      return warn(about, message, "stop that one, or give another port in `listen`");
    }
    const mend = "give an address of this machine in `listen`, and a port above 1023";
    return fail(about, `${host}:${port} cannot be had (${code})`, mend);
  } finally {
    server.close();
  }
}

async function tlsFindings({ listen }: Config): Promise<Finding[]> {
  if (listen.tls === null) return [];
  try {
    await readTlsFiles(listen);
    return [ok("tls", "certificate and key can be read")];
  } catch (error) {
    return [fail("tls", messageOf(error), "correct `listen.tls`")];
  }
}

function accessFindings({ keys, admin, listen }: Config): Finding[] {
  const about = "access";
  if (keys.length === 0) {
    if (!listen.open) return [ok(about, "no keys: whoever is on this machine may use it")];
    const mend = "make keys: chimera key new --name NAME";
    return [warn(about, "no keys: everyone who reaches it may use it", mend)];
  }
  const known = ok(about, `${keys.length} keys`);
  if (admin.hash !== null) return [known, ok(about, "operators have a token")];
  const mend = "for metrics from other machines: chimera key new --admin";
  return [known, warn(about, "no operators' token: only this machine may look inside", mend)];
}

async function storeFindings({ store }: Config): Promise<Finding[]> {
  const about = "store";
  if (store.path === null) return [ok(about, "is off")];
  const folder = await nearestFolder(resolve(store.path));
  try {
    await access(folder, constants.W_OK);
  } catch {
    const mend = "let this user write there, or give another `store.path`";
    return [fail(about, `${folder} cannot be written`, mend)];
  }
  const findings: Finding[] = [];
  if (await isThere(store.path)) {
    const opened = openTraceReader(store.path);
    if (!opened.ok) {
      return [fail(about, opened.message, "move the file away, or give another `store.path`")];
    }
    const { stages, workflows } = opened.reader.counts();
    opened.reader.close();
    findings.push(ok(about, `${store.path} holds ${stages} stages and ${workflows} workflows`));
  } else findings.push(ok(about, `${store.path} will be made`));
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= FREE_BYTES_MIN) return findings;
  const message = `${Math.round((bavail * bsize) / 2 ** 20)} MiB are free in ${folder}`;
  return [...findings, warn(about, message, "make room, or lower `store.rowsMax`")];
}

async function modelFindings({ prediction, engines }: Config): Promise<Finding[]> {
  const about = "predictors";
  const { lengthModel, routerModel } = prediction;
  if (lengthModel === null && routerModel === null) {
    return [ok(about, "none are configured: the cold-start estimator answers")];
  }
  const problems: string[] = [];
  const keep = (line: string): void => void problems.push(line);
  const printer = { out: keep, say: keep, progress: () => undefined };
  const priors = Object.fromEntries(engines.map((each) => [each.model, each.confidence]));
  const learned = await readLearned({ lengthModel, routerModel }, priors, printer);
  if (learned !== null) return [ok(about, "the model files can be used")];
  const mend = "correct `prediction`, or train anew: chimera train";
  return [fail(about, problems.join("; "), mend)];
}

/** Models that are all expected to be equally good are told apart by their speed alone. */
function confidenceFindings({ engines, policy, prediction }: Config): Finding[] {
  const models = new Map(engines.map(({ model, confidence }) => [model, confidence]));
  if (models.size < 2 || new Set(models.values()).size > 1) return [];
  if (policy.choice !== "auto" && policy.choice !== "paper") return [];
  if (prediction.routerModel !== null) return [];
  const mend = "say each engine's `confidence`: the share of your tasks that its model solves";
  return [warn("confidence", "every model is expected to be equally good", mend)];
}

/** The folder of a path, or the nearest above it that is there. */
async function nearestFolder(path: string): Promise<string> {
  const folder = dirname(path);
  return folder === path || (await isThere(folder)) ? folder : nearestFolder(folder);
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
