import type { VNode } from "preact";
import type { PriorityClass } from "../../src/core/types.ts";
import type { View } from "../../src/core/view.ts";
import { Bar } from "./bar.tsx";
import { formatCount } from "../../src/observe/number-format.ts";

const CLASSES: readonly PriorityClass[] = ["system", "interactive", "default", "bulk"];

/** The cluster in six numbers, and what waits by class. */
export function Totals({ view }: { readonly view: View }): VNode {
  const { engines, queuedByClass } = view;
  const live = engines.filter((engine) => engine.state === "live").length;
  const sum = (of: (engine: View["engines"][number]) => number): number =>
    engines.reduce((total, engine) => total + of(engine), 0);
  const waiting = CLASSES.reduce((total, each) => total + queuedByClass[each], 0);
  const most = Math.max(1, ...CLASSES.map((each) => queuedByClass[each]));
  return (
    <section class="totals" aria-label="Totals">
      <dl class="card tiles">
        <Tile
          name="engines live"
          value={`${live} / ${engines.length}`}
          bad={live < engines.length}
        />
        <Tile name="requests running" value={formatCount(sum((each) => each.running))} />
        <Tile name="requests waiting" value={formatCount(waiting)} />
        <Tile name="workflows open" value={formatCount(view.workflows)} />
        <Tile name="tokens in flight" value={formatCount(sum((each) => each.inFlightTokens))} />
        <Tile name="without an engine" value={formatCount(view.stranded)} bad={view.stranded > 0} />
      </dl>
      <div class="card queue">
        <h2>Queue by class</h2>
        <ul>
          {CLASSES.map((each) => (
            <li key={each}>
              <span>{each}</span>
              <Bar share={queuedByClass[each] / most} />
              <b>{formatCount(queuedByClass[each])}</b>
            </li>
          ))}
        </ul>
      </div>
    </section>
  );
}

interface TileProps {
  readonly name: string;
  readonly value: string;
  readonly bad?: boolean;
}

function Tile({ name, value, bad = false }: TileProps): VNode {
  return (
    <div data-tone={bad ? "bad" : undefined}>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
