import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";

const AXE = fileURLToPath(new URL("../../node_modules/axe-core/axe.min.js", import.meta.url));

/** A page that keeps what goes wrong in it, and what it asks other hosts for. */
export interface WatchedPage {
  readonly page: Page;
  readonly faults: string[];
}

export async function openWatchedPage(browser: Browser, pageUrl: string): Promise<WatchedPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) faults.push(message.text());
  });
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("request", (request) => {
    if (new URL(request.url()).origin !== new URL(pageUrl).origin) faults.push(request.url());
  });
  return { page, faults };
}

interface AxeResult {
  readonly violations: readonly {
    readonly id: string;
    readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
  }[];
}

/** What axe-core finds wrong with the page as it stands, a line for each place. */
export async function accessibilityViolations(page: Page): Promise<string[]> {
  // Through the debugger: the page's policy allows no script from elsewhere.
  const debug = await page.context().newCDPSession(page);
  await debug.send("Runtime.evaluate", { expression: readFileSync(AXE, "utf8") });
  await debug.detach();
  const { violations } = await page.evaluate<AxeResult>("axe.run()");
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 120)}: ${failureSummary}`),
  );
}
