import type { VNode } from "preact";
import { type Place, PLACES } from "./use-place.ts";

const NAMES: Readonly<Record<Place, string>> = {
  live: "Live",
  workflows: "Workflows",
  "what-if": "What if",
  predictions: "Predictions",
  config: "Config",
};

export function Navigation({ place }: { readonly place: Place }): VNode {
  return (
    <nav aria-label="Views">
      {PLACES.map((each) => (
        <a key={each} href={`#${each}`} aria-current={each === place ? "page" : undefined}>
          {NAMES[each]}
        </a>
      ))}
    </nav>
  );
}
