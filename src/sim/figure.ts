import type { TopLevelSpec } from "vega-lite";

/** A figure as it is described, before it is drawn. */
export interface Figure {
  /** Of the file, without its ending. */
  readonly name: string;
  readonly caption: string;
  readonly spec: TopLevelSpec;
}

/** A figure as SVG. */
export interface DrawnFigure extends Pick<Figure, "name" | "caption"> {
  readonly svg: string;
}

/**
 * Draws a figure as SVG. The same figure gives the same text. Rejects where vega is not installed: it
 * is there for development only.
 */
export async function drawFigure({ spec }: Figure): Promise<string> {
  const [{ compile }, vega] = await Promise.all([import("vega-lite"), import("vega")]);
  const view = new vega.View(vega.parse(compile(spec).spec), { renderer: "none" });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}
