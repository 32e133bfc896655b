import type { RequestDetail, RequestList } from "../gateway/ui-request.ts";
import type { StageTrace } from "../store/row.ts";
import { openTraceReader } from "../store/trace-reader.ts";
import { clientWorkflowId } from "../workflow/identity.ts";
import { explanationLines, workflowLines } from "./explanation-text.ts";
import { GatewayReader, tokenOf } from "./gateway-reader.ts";
import { plainText } from "./plain-text.ts";
import type { ExitCode, Printer } from "./printer.ts";

export interface ExplainFlags {
  /** A request's id, or a workflow's as its client knows it. */
  readonly id: string;
  readonly url: string;
  /** A trace store to read in the place of a gateway. */
  readonly store: string | undefined;
  readonly json: boolean;
}

/** Requests found, in the order in which they ended or came; or why none could be looked for. */
type Found =
  | { readonly ok: true; readonly requests: readonly RequestDetail[] }
  | { readonly ok: false; readonly message: string };

/** `chimera explain`: why a request, or each one of a workflow, went where it went. */
export async function explainId(flags: ExplainFlags, printer: Printer): Promise<ExitCode> {
  const { id, url, store, json } = flags;
  const found =
    store === undefined
      ? await fromGateway(id, new GatewayReader(url, tokenOf(process.env)))
      : fromStore(id, store);
  if (!found.ok) {
    printer.say(found.message);
    return 1;
  }
  const { requests } = found;
  if (requests.length === 0) {
    printer.say(
      store === undefined
        ? `the gateway remembers no request and no workflow "${id}"; older ones are in the trace store: --store FILE`
        : `${store} holds no request and no workflow "${id}"`,
    );
    return 1;
  }
  if (json) printer.out(JSON.stringify({ id, requests }));
  else print(requests, printer);
  return 0;
}

function print(requests: readonly RequestDetail[], printer: Printer): void {
  requests.forEach((request, at) => {
    if (at > 0) printer.out("");
    for (const line of explanationLines(request)) printer.out(plainText(line));
  });
  if (requests.length === 1) return;
  printer.out("");
  for (const line of workflowLines(requests)) printer.out(plainText(line));
}

async function fromGateway(id: string, gateway: GatewayReader): Promise<Found> {
  const detailOf = (requestId: string) =>
    gateway.get<RequestDetail>(`/v1/chimera/decisions/${encodeURIComponent(requestId)}`);
  const request = await detailOf(id);
  if (request.ok) return { ok: true, requests: [request.value] };
  if (request.status !== 404) return request;
  const list = await gateway.get<RequestList>("/v1/chimera/decisions");
  if (!list.ok) return list;
  const rows = list.value.requests.filter(({ workflowId }) => workflowId === id);
  const requests: RequestDetail[] = [];
  // The newest is listed first.
  for (const { requestId } of rows.toReversed()) {
    const detail = await detailOf(requestId);
    if (detail.ok) requests.push(detail.value);
    else if (detail.status !== 404) return detail;
  }
  return { ok: true, requests };
}

function fromStore(id: string, path: string): Found {
  const opened = openTraceReader(path);
  if (!opened.ok) return opened;
  const { reader } = opened;
  try {
    const ofRequest = reader.stagesOfRequest(id);
    const stages = ofRequest.length > 0 ? ofRequest : reader.stagesOfClientWorkflow(id);
    return { ok: true, requests: stages.map(detailOfStage) };
  } finally {
    reader.close();
  }
}

function detailOfStage(stage: StageTrace): RequestDetail {
  const workflowId = clientWorkflowId(stage.workflowId);
  const { requestId, decision, outcome, attempts, promptTokens, outputTokens } = stage;
  const { arrivedMs, queuedMs, dispatchedMs, firstTokenMs, endedMs } = stage;
  return {
    requestId,
    workflowId,
    decision: decision === null ? null : { ...decision, workflowId },
    outcome,
    attempts,
    promptTokens,
    outputTokens,
    arrivedMs,
    queuedMs,
    dispatchedMs,
    firstTokenMs,
    endedMs,
  };
}
