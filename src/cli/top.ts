import { setTimeout as wait } from "node:timers/promises";
import type { View } from "../core/view.ts";
import type { RequestList } from "../gateway/ui-request.ts";
import { type Cluster, clusterLine, clusterPage } from "./cluster-text.ts";
import { type GatewayReply, GatewayReader, tokenOf } from "./gateway-reader.ts";
import type { ExitCode, Printer } from "./printer.ts";
import type { Screen } from "./screen.ts";

export interface TopFlags {
  readonly url: string;
  /** Between two looks; no less than `PERIOD_MS_MIN`. */
  readonly periodMs: number;
  /** Looks until it ends; null: until it is told to. */
  readonly looks: number | null;
  /** Rows of the last decisions. */
  readonly decisions: number;
  readonly json: boolean;
}

export interface TopSurroundings {
  readonly printer: Printer;
  /** null where there is no terminal. */
  readonly screen: Screen | null;
  readonly stop: AbortSignal;
}

/** A terminal is redrawn, and a gateway asked, no more often. */
const PERIOD_MS_MIN = 500;

/** `chimera top`: the live cluster, until it is told to stop. */
export async function top(flags: TopFlags, surroundings: TopSurroundings): Promise<ExitCode> {
  const { screen, stop, printer } = surroundings;
  const gateway = new GatewayReader(flags.url, tokenOf(process.env));
  const periodMs = Math.max(PERIOD_MS_MIN, flags.periodMs);
  try {
    for (let look = 1; !stop.aborted; look++) {
      const reply = await lookAt(gateway, stop);
      if (stop.aborted) break;
      if (!reply.ok && look === 1) {
        screen?.close();
        printer.say(reply.message);
        return 1;
      }
      show(reply, gateway.root, flags, surroundings);
      if (look === flags.looks) return reply.ok ? 0 : 1;
      await wait(periodMs, undefined, { signal: stop }).catch(() => undefined);
    }
    return 0;
  } finally {
    screen?.close();
  }
}

async function lookAt(gateway: GatewayReader, stop: AbortSignal): Promise<GatewayReply<Cluster>> {
  const state = await gateway.get<View>("/v1/chimera/state", stop);
  if (!state.ok) return state;
  const requests = await gateway.get<RequestList>("/v1/chimera/decisions", stop);
  if (!requests.ok) return requests;
  return { ok: true, value: { state: state.value, requests: requests.value } };
}

function show(
  reply: GatewayReply<Cluster>,
  root: string,
  { json, decisions }: TopFlags,
  { printer, screen }: TopSurroundings,
): void {
  if (!reply.ok) {
    if (screen === null || json) printer.say(reply.message);
    else screen.draw([reply.message, "", "Trying again; Ctrl-C ends."]);
    return;
  }
  const { state, requests } = reply.value;
  const shown = { nowMs: requests.nowMs, requests: requests.requests.slice(0, decisions) };
  if (json) printer.out(JSON.stringify({ state, ...shown }));
  else if (screen === null) printer.out(clusterLine(state));
  else screen.draw(clusterPage(root, { state, requests: shown }));
}
