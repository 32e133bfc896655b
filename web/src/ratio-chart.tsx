import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import UPlot from "uplot";
import type { RequestList } from "../../src/gateway/ui-request.ts";
import { medianOf, ratioSeries } from "./ratio-series.ts";

const HEIGHT_PX = 180;
/** Ratios outside are drawn at the edge. */
const RATIO_MAX = 16;

/** Predicted over actual tokens against time, on a scale on which half and double are as far from right. */
export function RatioChart({ list }: { readonly list: RequestList }): VNode {
  const place = useRef<HTMLDivElement>(null);
  const chart = useRef<UPlot | null>(null);
  const [seconds, ratios] = ratioSeries(list);
  useEffect(() => {
    const { current: element } = place;
    if (element === null) return;
    const draw = (): void => {
      chart.current?.destroy();
      chart.current = createChart(element);
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
  useEffect(() => {
    const cut = ratios.map((ratio) => Math.min(RATIO_MAX, Math.max(1 / RATIO_MAX, ratio)));
    chart.current?.setData([seconds, cut, cut.map(() => 1)]);
  }, [list]);
  return (
    <>
      <p class="note">
        {ratios.length === 0
          ? "No request has ended yet."
          : `Median ${medianOf(ratios)?.toFixed(2) ?? "–"} over ${ratios.length} requests; ${within(ratios)} of them within a factor of two.`}
      </p>
      <div class="ratio" ref={place} aria-hidden="true" />
    </>
  );
}

function within(ratios: readonly number[]): number {
  return ratios.filter((ratio) => ratio >= 0.5 && ratio <= 2).length;
}

function createChart(element: HTMLElement): UPlot {
  const colours = getComputedStyle(element);
  const muted = colours.getPropertyValue("--muted");
  const grid = { stroke: colours.getPropertyValue("--line"), width: 1 };
  const axis = { stroke: muted, grid, ticks: grid, font: "12px system-ui" };
  return new UPlot(
    {
      width: element.clientWidth,
      height: HEIGHT_PX,
      legend: { show: false },
      cursor: { show: false },
      axes: [
        { ...axis, values: (_chart, marks) => marks.map((mark) => `${mark} s`) },
        { ...axis, size: 56, values: (_chart, marks) => marks.map((mark) => factor(mark)) },
      ],
      scales: { x: { time: false }, y: { distr: 3, log: 2, range: [1 / RATIO_MAX, RATIO_MAX] } },
      series: [
        {},
        {
          stroke: colours.getPropertyValue("--accent"),
          paths: () => null,
          points: { show: true, size: 5 },
        },
        { stroke: muted, width: 1, dash: [4, 4], points: { show: false } },
      ],
    },
    [[], [], []],
    element,
  );
}

/** 0.25 is said as "÷4", 4 as "×4". */
function factor(ratio: number | null): string {
  if (ratio === null) return "";
  return ratio < 1 ? `÷${Math.round(1 / ratio)}` : `×${Math.round(ratio)}`;
}
