import { assert } from "./assert.ts";
import type { SettingsChanged } from "./event.ts";
import { targetPriceOf } from "./target.ts";
import type { State } from "./state.ts";

/** What waits keeps its place; the next decision goes by the new numbers. */
export function changeSettings(state: State, event: SettingsChanged): void {
  const { policy: before } = state.options;
  const { type: _type, timeMs: _timeMs, ...settings } = event;
  const { policy } = settings;
  assert(policy.choice === before.choice && policy.order === before.order, "an order stays");
  assert(policy.starvationThreshold === before.starvationThreshold, "aging stays");
  state.options = { ...state.options, ...settings };
  state.clock.ageScale = policy.ageScale;
  state.targetPrice = targetPriceOf(policy, state.targetPrice);
}
