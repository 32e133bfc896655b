import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import UPlot from "uplot";
import { HISTORY_SECONDS, type LoadSeries } from "./load-history.ts";

export interface LoadChartProps {
  readonly series: LoadSeries;
  /** Requests that fill the chart's height at least. */
  readonly limit: number;
  /** Unix time of the right edge, seconds. */
  readonly nowSeconds: number;
}

const HEIGHT_PX = 64;

/** Requests that run, as an area, and that wait, as a line. The numbers beside it say the same in text. */
export function LoadChart({ series, limit, nowSeconds }: LoadChartProps): VNode {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<UPlot | null>(null);
  const scale = useRef({ limit, nowSeconds });
  scale.current = { limit, nowSeconds };
  useEffect(() => {
    const { current: element } = place;
    if (element === null) return;
    const draw = (): void => {
      chart.current?.destroy();
      chart.current = createChart(element, scale);
    };
    draw();
    const scheme = matchMedia("(prefers-color-scheme: dark)");
    scheme.addEventListener("change", draw);
    const resized = new ResizeObserver(() => {
      chart.current?.setSize({ width: element.clientWidth, height: HEIGHT_PX });
    });
    resized.observe(element);
    return () => {
      scheme.removeEventListener("change", draw);
      resized.disconnect();
      chart.current?.destroy();
      chart.current = null;
    };
  }, []);
  useEffect(() => chart.current?.setData(series), [nowSeconds]);
  return <div class="chart" ref={place} aria-hidden="true" />;
}

function createChart(
  element: HTMLElement,
  scale: { readonly current: { readonly limit: number; readonly nowSeconds: number } },
): UPlot {
  const colours = getComputedStyle(element);
  const accent = colours.getPropertyValue("--accent");
  return new UPlot(
    {
      width: element.clientWidth,
      height: HEIGHT_PX,
      padding: [4, 0, 0, 0],
      legend: { show: false },
      cursor: { show: false },
      axes: [{ show: false }, { show: false }],
      scales: {
        x: {
          time: false,
          range: () => [scale.current.nowSeconds - HISTORY_SECONDS, scale.current.nowSeconds],
        },
        // Begins above zero, so that a line of zeros is not drawn.
        y: {
          range: (_chart, _low, high) => {
            const most = Math.max(scale.current.limit, high);
            return [most * 0.02, most * 1.05];
          },
        },
      },
      series: [
        {},
        { stroke: accent, fill: colours.getPropertyValue("--accent-soft"), width: 1.5 },
        { stroke: colours.getPropertyValue("--amber"), width: 1.5 },
      ].map((each) => ({ points: { show: false }, ...each })),
    },
    [[], [], []],
    element,
  );
}
