import type { VNode } from "preact";
import { getConfig } from "./api.ts";
import { usePolled } from "./use-polled.ts";

export interface ConfigPanelProps {
  readonly apiKey: string;
  readonly visible: boolean;
}

const POLL_MS = 5_000;

/** The config in force, every key with its value; the gateway has masked what is secret. */
export function ConfigPanel({ apiKey, visible }: ConfigPanelProps): VNode {
  const config = usePolled((signal) => getConfig(apiKey, signal), visible ? POLL_MS : null, [
    apiKey,
  ]);
  return (
    <section class="card" aria-labelledby="config-title">
      <h2 id="config-title">
        Config in force <small>secrets are masked</small>
      </h2>
      {config === null ? (
        <p class="empty">
          Loading … (operators are told; with an API key set above, it must be theirs)
        </p>
      ) : (
        Object.entries(config).map(([name, value]) => (
          <section key={name} class="config">
            <h3>{name}</h3>
            <pre tabIndex={0} aria-label={name}>
              {JSON.stringify(value, null, 2)}
            </pre>
          </section>
        ))
      )}
    </section>
  );
}
