/**
 * Entry of a model's thread. It acts on import, because that is what a thread's entry is for; what is
 * thrown here ends the thread, and the service learns of it.
 */
import { parentPort, workerData, type MessagePort } from "node:worker_threads";

import type {
  BatchItem,
  ModelModule,
  PredictionModel,
  ThreadData,
  ThreadMessage,
} from "./model-port.ts";

async function serve(port: MessagePort, { moduleUrl, data }: ThreadData): Promise<void> {
  const { createModel }: ModelModule = await import(moduleUrl);
  const model = await createModel(data);
  const send = (message: ThreadMessage): void => port.postMessage(message);
  port.on("message", (batch: readonly BatchItem[]) => void answer(model, batch).then(send));
  send({ type: "ready" });
}

async function answer(model: PredictionModel, batch: readonly BatchItem[]): Promise<ThreadMessage> {
  try {
    return { type: "predicted", estimates: await model.predict(batch) };
  } catch (error) {
    return { type: "failed", message: error instanceof Error ? error.message : "unknown" };
  }
}

const threadData: ThreadData = workerData;
if (parentPort === null) throw new Error("a model runs in a thread of its own");
await serve(parentPort, threadData);
