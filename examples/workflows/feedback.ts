import OpenAI from "openai";

/** stored: the gateway learns from it. absent: this server takes none. */
export type FeedbackOutcome = "stored" | "absent" | { readonly problem: string };

/** Tells the gateway how a workflow ended; servers that are no gateway do not know the path. */
export async function sendFeedback(
  client: OpenAI,
  workflowId: string,
  score: number,
): Promise<FeedbackOutcome> {
  try {
    await client.post("/feedback", { body: { workflow_id: workflowId, score } });
    return "stored";
  } catch (error) {
    if (!(error instanceof OpenAI.APIError)) throw error;
    // The gateway's own 404 names the workflow that it does not know.
    if (error.code === "unknown_workflow") return { problem: error.message };
    if (error.status === 404 || error.status === 405 || error.status === 501) return "absent";
    return { problem: error.message };
  }
}
