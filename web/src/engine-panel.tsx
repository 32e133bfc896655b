import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { EngineView, View } from "../../src/core/view.ts";
import { Bar } from "./bar.tsx";
import { LoadChart } from "./load-chart.tsx";
import { LoadHistory } from "./load-history.ts";
import { formatCount } from "../../src/observe/number-format.ts";

const SAMPLE_MS = 500;
/** Engines with a chart; drawing a thousand would freeze the page. */
const CHARTS_MAX = 24;

export function EnginePanel({ view }: { readonly view: View }): VNode {
  const history = useRef(new LoadHistory());
  const newest = useRef(view);
  newest.current = view;
  const [nowSeconds, setNowSeconds] = useState(Date.now() / 1000);
  useEffect(() => {
    const sample = (): void => {
      const seconds = Date.now() / 1000;
      history.current.add(seconds, newest.current);
      setNowSeconds(seconds);
    };
    sample();
    const timer = setInterval(sample, SAMPLE_MS);
    return () => clearInterval(timer);
  }, []);
  return (
    <section aria-labelledby="engines-title">
      <h2 id="engines-title">
        Engines <small>load of the last two minutes</small>
      </h2>
      <ul class="engines">
        {view.engines.map((engine, index) => (
          <EngineCard key={engine.name} engine={engine}>
            {index < CHARTS_MAX && (
              <LoadChart
                series={history.current.seriesOf(engine.name)}
                limit={engine.maxSequences}
                nowSeconds={nowSeconds}
              />
            )}
          </EngineCard>
        ))}
      </ul>
    </section>
  );
}

interface EngineCardProps {
  readonly engine: EngineView;
  readonly children: VNode | false;
}

function EngineCard({ engine, children }: EngineCardProps): VNode {
  const { name, model, state, running, maxSequences, waiting } = engine;
  return (
    <li class="card engine" data-engine={name} data-state={state}>
      <header>
        <h3>{name}</h3>
        <span
          class="pill"
          data-tone={state === "live" ? "good" : state === "dead" ? "bad" : "warn"}
        >
          {state}
        </span>
      </header>
      {model !== name && <p class="model">{model}</p>}
      <Bar share={running / Math.max(1, maxSequences)} />
      {children}
      <dl>
        <Fact name="running" tone="accent" value={`${running} / ${maxSequences}`} />
        <Fact name="waiting" tone="amber" value={formatCount(waiting)} />
        <Fact
          name="tokens in flight"
          value={`${formatCount(engine.inFlightTokens)}, ${formatCount(engine.queuedTokens)} queued`}
        />
      </dl>
    </li>
  );
}

interface FactProps {
  readonly name: string;
  readonly value: string;
  readonly tone?: "accent" | "amber";
}

function Fact({ name, value, tone }: FactProps): VNode {
  return (
    <div>
      <dt data-swatch={tone}>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
