import type { Reporter, TestModule } from "vitest/node";
import { FEATURES } from "./feature.ts";

/** Prints which client does what, at the end of a run. */
export const matrixReporter: Reporter = {
  onTestRunEnd: (modules) => {
    const cells = cellsOf(modules);
    if (cells.size === 0) return;
    const names = [...cells.keys()];
    const rows = FEATURES.map((feature) => {
      return [feature, ...names.map((name) => cells.get(name)?.get(feature) ?? "did not run")];
    });
    process.stdout.write(`\n${tableOf(["", ...names], rows)}\n`);
  },
};

/** By client and feature. */
function cellsOf(modules: readonly TestModule[]): Map<string, Map<string, string>> {
  const cells = new Map<string, Map<string, string>>();
  for (const module of modules) {
    for (const test of module.children.allTests()) {
      const { parent } = test;
      if (parent.type !== "suite" || parent.parent.type !== "suite") continue;
      if (parent.parent.name !== "matrix") continue;
      const [feature = "", lack] = test.name.split(": ");
      const { state } = test.result();
      const row = cells.get(parent.name) ?? new Map<string, string>();
      cells.set(parent.name, row.set(feature, lack ?? (state === "passed" ? "yes" : state)));
    }
  }
  return cells;
}

/** A table of Markdown, its columns as wide as their widest cell. */
function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, at) =>
    Math.max(...[head, ...rows].map((row) => row[at]?.length ?? 0)),
  );
  const lineOf = (row: readonly string[]): string =>
    `| ${row.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} |`;
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [lineOf(head), rule, ...rows.map(lineOf)].join("\n");
}
