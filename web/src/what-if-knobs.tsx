import type { VNode } from "preact";
import { NUMBER_CHOICES, type NumberChoice } from "../../src/core/rule.ts";
import type { Policy } from "../../src/core/types.ts";
import type { WhatIf } from "../../src/core/what-if.ts";

export interface WhatIfKnobsProps {
  /** What the knobs stand at while nobody has moved them. */
  readonly policy: Pick<Policy, "price" | "slack" | "minGain">;
  readonly whatIf: WhatIf;
  readonly change: (whatIf: WhatIf) => void;
}

const CHOICE_NAMES: Readonly<Record<NumberChoice, string>> = {
  auto: "auto: score less the price of time",
  paper: "paper: most confident within the slack",
  balancer: "balancer: fewest requests",
  "least-tokens": "least tokens in flight",
  quickest: "quickest: least expected time",
  "most-confident": "most confident, whatever the load",
  weighted: "weighted: score less a share of time",
};

const PRICE_MAX = 1;
const SLACK_MAX = 4;
const MIN_GAIN_MAX = 0.5;

/** The knobs of a choice. One that nobody has moved is not asked about. */
export function WhatIfKnobs({ policy, whatIf, change }: WhatIfKnobsProps): VNode {
  const slack = whatIf.slack === undefined ? policy.slack : whatIf.slack;
  return (
    <form class="knobs" onSubmit={(event) => event.preventDefault()}>
      <label>
        Policy
        <select
          value={whatIf.choice ?? ""}
          onChange={({ currentTarget: { value } }) => {
            const { choice: _choice, ...rest } = whatIf;
            const choice = NUMBER_CHOICES.find((each) => each === value);
            change(choice === undefined ? rest : { ...rest, choice });
          }}
        >
          <option value="">as it was decided</option>
          {NUMBER_CHOICES.map((each) => (
            <option key={each} value={each}>
              {CHOICE_NAMES[each]}
            </option>
          ))}
        </select>
      </label>
      <Slider
        name="Price of time (kappa)"
        value={whatIf.price ?? policy.price}
        max={PRICE_MAX}
        moved={whatIf.price !== undefined}
        move={(price) => change({ ...whatIf, price })}
      />
      <Slider
        name="Slack (tau)"
        value={slack ?? SLACK_MAX}
        shown={slack === null ? "no cap" : undefined}
        max={SLACK_MAX}
        moved={whatIf.slack !== undefined}
        move={(value) => change({ ...whatIf, slack: value >= SLACK_MAX ? null : value })}
      />
      <Slider
        name="Least gain (delta, paper)"
        value={whatIf.minGain ?? policy.minGain}
        max={MIN_GAIN_MAX}
        moved={whatIf.minGain !== undefined}
        move={(minGain) => change({ ...whatIf, minGain })}
      />
      <button type="button" onClick={() => change({})}>
        As it was
      </button>
    </form>
  );
}

interface SliderProps {
  readonly name: string;
  readonly value: number;
  /** What is said in place of the value. */
  readonly shown?: string | undefined;
  readonly max: number;
  readonly moved: boolean;
  readonly move: (value: number) => void;
}

function Slider({ name, value, shown, max, moved, move }: SliderProps): VNode {
  const text = shown ?? value.toFixed(2);
  return (
    <label data-moved={moved}>
      <span>
        {name} <b>{text}</b>
      </span>
      <input
        type="range"
        min={0}
        max={max}
        step={0.01}
        value={Math.min(value, max)}
        aria-valuetext={text}
        onInput={(event) => move(Number(event.currentTarget.value))}
      />
    </label>
  );
}
