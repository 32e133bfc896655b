import type { VNode } from "preact";
import type { ClusterView } from "../../src/gateway/cluster-view.ts";
import { formatCount, formatSpan } from "../../src/observe/number-format.ts";

/** Who waits next on each engine. The list is cut by the gateway; how many wait in all is in the title. */
export function QueuePanel({ view }: { readonly view: ClusterView }): VNode | null {
  const { queue, engines } = view;
  if (queue.length === 0) return null;
  const waiting = engines.reduce((sum, engine) => sum + engine.waiting, 0);
  const tokens = engines.reduce((sum, engine) => sum + engine.queuedTokens, 0);
  return (
    <section class="card queued" aria-labelledby="queued-title">
      <h2 id="queued-title">
        Next in line
        <small>
          the first {queue.length} of {formatCount(waiting)} that wait, {formatCount(tokens)} tokens
          of predicted work
        </small>
      </h2>
      <div class="scroll" tabIndex={0} role="group" aria-label="Queued requests">
        <table>
          <thead>
            <tr>
              <th>Engine</th>
              <th class="number">Position</th>
              <th>Workflow</th>
              <th>Class</th>
              <th class="number">Predicted work left</th>
              <th class="number">Waited</th>
              <th class="number">Expected wait</th>
            </tr>
          </thead>
          <tbody>
            {queue.map((row) => (
              <tr key={row.requestId}>
                <td>{row.engine}</td>
                <td class="number">{row.position}</td>
                <td class="id">{row.workflowId}</td>
                <td>
                  {row.class}
                  {row.promoted && <small>promoted</small>}
                </td>
                <td class="number">{formatCount(row.remainingTokens)} tokens</td>
                <td class="number">{formatSpan(row.waitedMs)}</td>
                <td class="number">{formatSpan(row.waitMs)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
