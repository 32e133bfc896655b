import type { DrawnFigure } from "./figure.ts";

/** One part of a report: what was run, what is seen, and the tables behind it. */
export interface ReportSection {
  readonly title: string;
  /** Paragraphs, parted by empty lines; `code` in backticks. */
  readonly about: string;
  readonly figures: readonly DrawnFigure[];
  /** Markdown: tables between lines of text. They are folded away. */
  readonly tables: readonly string[];
}

/** A page that needs nothing else: no script, no font, no address. */
export function reportPage(title: string, sections: readonly ReportSection[]): string {
  const contents = sections.map(
    (section, place) => `<li><a href="#s${place}">${inline(section.title)}</a></li>`,
  );
  return [
    "<!doctype html>",
    '<html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width, initial-scale=1">',
    `<title>${escaped(title)}</title><style>${STYLE}</style></head><body><main>`,
    `<h1>${inline(title)}</h1><nav aria-label="Contents"><ol>${contents.join("")}</ol></nav>`,
    ...sections.map(sectionHtml),
    "</main></body></html>",
    "",
  ].join("\n");
}

const STYLE =
  "body{font:16px/1.5 system-ui,sans-serif;color:#222;background:#fff;margin:0}" +
  "main{max-width:60rem;margin:0 auto;padding:1rem}figure{margin:1rem 0}" +
  "figure svg{max-width:100%;height:auto}figcaption{color:#555}" +
  ".wide{overflow-x:auto}table{border-collapse:collapse;font-size:.8rem}" +
  "th,td{padding:.15rem .5rem;border-bottom:1px solid #ddd;text-align:right;white-space:nowrap}" +
  "th:first-child,td:first-child{text-align:left}summary{cursor:pointer}";

function sectionHtml({ title, about, figures, tables }: ReportSection, place: number): string {
  const paragraphs = about.split(/\n\s*\n/).map((text) => `<p>${inline(text.trim())}</p>`);
  const shown = figures.map(
    ({ name, caption, svg }) =>
      `<figure>${inlineSvg(svg, name, caption)}<figcaption>${inline(caption)}</figcaption></figure>`,
  );
  const folded =
    tables.length === 0
      ? []
      : [`<details><summary>Tables</summary>${blocksHtml(tables)}</details>`];
  return [
    `<section id="s${place}"><h2>${inline(title)}</h2>`,
    ...paragraphs,
    ...shown,
    ...folded,
    "</section>",
  ].join("\n");
}

/** Ids inside a drawing are its own: in one page they would be taken for one another. */
function inlineSvg(svg: string, name: string, caption: string): string {
  return svg
    .replaceAll(/\bid="([^"]+)"/g, `id="${name}-$1"`)
    .replaceAll(/url\(#([^)]+)\)/g, `url(#${name}-$1)`)
    .replaceAll(/href="#([^"]+)"/g, `href="#${name}-$1"`)
    .replace("<svg ", `<svg role="img" aria-label="${escaped(caption)}" `);
}

function blocksHtml(lines: readonly string[]): string {
  const blocks: string[] = [];
  let rows: string[] = [];
  const endTable = (): void => {
    if (rows.length > 0) blocks.push(tableHtml(rows));
    rows = [];
  };
  for (const line of lines) {
    if (line.startsWith("|")) rows.push(line);
    else {
      endTable();
      if (line.trim() !== "") blocks.push(`<p>${inline(line)}</p>`);
    }
  }
  endTable();
  return blocks.join("\n");
}

function tableHtml([head = "", , ...body]: readonly string[]): string {
  const rows = body.map((line) => rowHtml(line, "td")).join("");
  return `<div class="wide"><table><thead>${rowHtml(head, "th")}</thead><tbody>${rows}</tbody></table></div>`;
}

function rowHtml(line: string, tag: "th" | "td"): string {
  const cells = line.slice(1, -1).split("|");
  return `<tr>${cells.map((cell) => `<${tag}>${inline(cell.trim())}</${tag}>`).join("")}</tr>`;
}

/** Text with its `code` and **weight**. */
function inline(text: string): string {
  return escaped(text)
    .replaceAll(/`([^`]+)`/g, "<code>$1</code>")
    .replaceAll(/\*\*([^*]+)\*\*/g, "<strong>$1</strong>");
}

function escaped(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
