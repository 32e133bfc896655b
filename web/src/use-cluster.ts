import { useEffect, useState } from "preact/hooks";
import type { ClusterView } from "../../src/gateway/cluster-view.ts";

export interface Cluster {
  /** The newest that is known; null before the first. */
  readonly view: ClusterView | null;
  readonly isConnected: boolean;
}

/** Wait before another try where the browser itself has given up. */
const RETRY_MS = 2_000;

/** The cluster as it is now, while `visible`. */
export function useCluster(visible: boolean): Cluster {
  const [cluster, setCluster] = useState<Cluster>({ view: null, isConnected: false });
  useEffect(() => {
    if (!visible) return;
    let source: EventSource | null = null;
    let retry: ReturnType<typeof setTimeout> | undefined;
    const connect = (): void => {
      source = new EventSource("/v1/chimera/events");
      source.addEventListener("message", ({ data }: MessageEvent<string>) => {
        setCluster({ view: JSON.parse(data), isConnected: true });
      });
      source.addEventListener("error", () => {
        setCluster(({ view }) => ({ view, isConnected: false }));
        if (source?.readyState === EventSource.CLOSED) retry = setTimeout(connect, RETRY_MS);
      });
    };
    connect();
    return () => {
      clearTimeout(retry);
      source?.close();
    };
  }, [visible]);
  return cluster;
}
