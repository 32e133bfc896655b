import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { DecisionDialog } from "./decision-dialog.tsx";
import { EnginePanel } from "./engine-panel.tsx";
import { Playground } from "./playground.tsx";
import { RequestPanel } from "./request-panel.tsx";
import { Totals } from "./totals.tsx";
import { useCluster } from "./use-cluster.ts";
import { useVisible } from "./use-visible.ts";

export function Page(): VNode {
  const visible = useVisible();
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
      <main data-stale={!isConnected}>
        {view !== null && (
          <>
            <Totals view={view} />
            <EnginePanel view={view} />
          </>
        )}
        <div class="below">
          <RequestPanel key={apiKey} apiKey={apiKey} visible={visible} open={setOpened} />
          <Playground apiKey={apiKey} open={setOpened} />
        </div>
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
