import type { VNode } from "preact";

export interface BarProps {
  /** Filled part, 0..1; what is outside is cut. */
  readonly share: number;
  /** A second part that begins where the first ends. */
  readonly rest?: number;
}

/** A thin bar. Decoration: the numbers stand beside it. */
export function Bar({ share, rest = 0 }: BarProps): VNode {
  const style = { "--share": String(clamped(share)), "--rest": String(clamped(share + rest)) };
  return <i class="bar" style={style} aria-hidden="true" />;
}

function clamped(share: number): number {
  return Math.min(1, Math.max(0, share));
}
