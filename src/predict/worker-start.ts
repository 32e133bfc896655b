import { Worker } from "node:worker_threads";

/**
 * Starts the module `name` beside the caller in a thread of its own. From a build the module is
 * plain JavaScript. From source it is TypeScript, which Node 20 cannot read and whose loader a thread
 * does not inherit: a line of JavaScript registers the loader there and then imports the module.
 */
export function startWorker(callerUrl: string, name: string, workerData: unknown): Worker {
  const isSource = callerUrl.endsWith(".ts");
  const entry = new URL(`./${name}${isSource ? ".ts" : ".js"}`, callerUrl);
  if (!isSource) return new Worker(entry, { workerData });
  const loader = import.meta.resolve("tsx/esm/api");
  const start = `import(${JSON.stringify(loader)}).then(({ register }) => {
    register();
    return import(${JSON.stringify(entry.href)});
  });`;
  return new Worker(start, { eval: true, workerData, execArgv: [] });
}
