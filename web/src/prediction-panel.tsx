import type { VNode } from "preact";
import type { ModelDrift } from "../../src/predict/drift.ts";
import { formatCount, formatShare } from "../../src/observe/number-format.ts";
import { getPredictions, getRequests } from "./api.ts";
import { RatioChart } from "./ratio-chart.tsx";
import { usePolled } from "./use-polled.ts";

export interface PredictionPanelProps {
  readonly apiKey: string;
  readonly visible: boolean;
}

const POLL_MS = 5_000;
const REQUESTS_POLL_MS = 2_000;

/** How good the predictions were lately: lengths of the newest requests, and the scores by model. */
export function PredictionPanel({ apiKey, visible }: PredictionPanelProps): VNode {
  const drift = usePolled((signal) => getPredictions(apiKey, signal), visible ? POLL_MS : null, [
    apiKey,
  ]);
  const list = usePolled(
    (signal) => getRequests("ended", apiKey, signal),
    visible ? REQUESTS_POLL_MS : null,
    [apiKey],
  );
  return (
    <>
      <section class="card" aria-labelledby="ratio-title">
        <h2 id="ratio-title">
          Predicted over actual tokens <small>of the newest requests, each a point</small>
        </h2>
        {list !== null && <RatioChart list={list} />}
      </section>
      <section class="card" aria-labelledby="drift-title">
        <h2 id="drift-title">
          Quality by model <small>over the newest finished workflows of each</small>
        </h2>
        {drift === null ? (
          <p class="empty">
            Loading … (operators are told; with an API key set above, it must be theirs)
          </p>
        ) : drift.models.length === 0 ? (
          <p class="empty">No workflow has ended yet.</p>
        ) : (
          <DriftTable models={drift.models} />
        )}
      </section>
    </>
  );
}

function DriftTable({ models }: { readonly models: readonly ModelDrift[] }): VNode {
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label="Quality by model">
      <table>
        <thead>
          <tr>
            <th>Model</th>
            <th class="number">Lengths</th>
            <th
              class="number"
              title="Share of pairs in the wrong order: 0 is perfect, .5 is chance"
            >
              Kendall distance
            </th>
            <th class="number" title="Share of true lengths inside the interval from 10 to 90 %">
              Coverage of 80 %
            </th>
            <th class="number">Scores</th>
            <th class="number" title="Expected calibration error of the confidence">
              Calibration error
            </th>
          </tr>
        </thead>
        <tbody>
          {models.map((each) => (
            <tr key={each.model}>
              <th scope="row">{each.model}</th>
              <td class="number">{formatCount(each.lengths)}</td>
              <td class="number">{each.kendallDistance?.toFixed(3) ?? "–"}</td>
              <td class="number">{each.coverage === null ? "–" : formatShare(each.coverage)}</td>
              <td class="number">{formatCount(each.scores)}</td>
              <td class="number">{each.calibrationError?.toFixed(3) ?? "–"}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
