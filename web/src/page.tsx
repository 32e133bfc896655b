import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { ClusterView } from "../../src/gateway/cluster-view.ts";
import { DecisionDialog } from "./decision-dialog.tsx";
import { ConfigPanel } from "./config-panel.tsx";
import { EnginePanel } from "./engine-panel.tsx";
import { Navigation } from "./navigation.tsx";
import { Playground } from "./playground.tsx";
import { PredictionPanel } from "./prediction-panel.tsx";
import { QueuePanel } from "./queue-panel.tsx";
import { RequestPanel } from "./request-panel.tsx";
import { Totals } from "./totals.tsx";
import { useCluster } from "./use-cluster.ts";
import { usePlace, type Place } from "./use-place.ts";
import { useVisible } from "./use-visible.ts";
import { WhatIfPanel } from "./what-if-panel.tsx";
import { WorkflowPanel } from "./workflow-panel.tsx";

export function Page(): VNode {
  const visible = useVisible();
  const place = usePlace();
  const { view, isConnected } = useCluster(visible);
  // Kept in memory only: a key that is stored can be stolen.
  const [apiKey, setApiKey] = useState("");
  const [opened, setOpened] = useState<string | null>(null);
  return (
    <>
      <header class="top">
        <img src="/ui/icon.svg" alt="" width="28" height="28" />
        <h1>Chimera</h1>
        <span class="link" role="status" data-connected={isConnected}>
          {isConnected ? "live" : view === null ? "connecting" : "connection lost, trying again"}
        </span>
        <form class="key" onSubmit={(event) => event.preventDefault()}>
          <label for="key">API key</label>
          <input
            id="key"
            type="password"
            autocomplete="off"
            placeholder="API key"
            onChange={(event) => setApiKey(event.currentTarget.value.trim())}
          />
        </form>
      </header>
      <Navigation place={place} />
      <main data-stale={!isConnected}>
        <PlaceView {...{ place, view, apiKey, visible }} open={setOpened} />
      </main>
      {opened !== null && (
        <DecisionDialog
          key={opened}
          requestId={opened}
          apiKey={apiKey}
          close={() => setOpened(null)}
        />
      )}
    </>
  );
}

interface PlaceViewProps {
  readonly place: Place;
  readonly view: ClusterView | null;
  readonly apiKey: string;
  readonly visible: boolean;
  readonly open: (requestId: string) => void;
}

function PlaceView({ place, view, ...props }: PlaceViewProps): VNode {
  const { apiKey } = props;
  switch (place) {
    case "live":
      return (
        <>
          {view !== null && (
            <>
              <Totals view={view} />
              <EnginePanel view={view} />
              <QueuePanel view={view} />
            </>
          )}
          <div class="below">
            <RequestPanel key={apiKey} {...props} />
            <Playground apiKey={apiKey} open={props.open} />
          </div>
        </>
      );
    case "workflows":
      return <WorkflowPanel key={apiKey} {...props} />;
    case "what-if":
      return view === null ? (
        <p class="empty">Loading …</p>
      ) : (
        <WhatIfPanel key={apiKey} policy={view.policy} {...props} />
      );
    case "predictions":
      return <PredictionPanel key={apiKey} {...props} />;
    case "config":
      return <ConfigPanel key={apiKey} {...props} />;
  }
}
