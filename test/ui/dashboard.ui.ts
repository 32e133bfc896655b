import type { Browser, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { browserPath, launchBrowser } from "./browser.ts";
import { EmbeddedCluster } from "./embedded-cluster.ts";
import { openWatchedPage } from "./watched-page.ts";

if (browserPath === null) {
  process.stdout.write("skipped: no Chromium (apt-get install chromium, or set CHROMIUM_PATH)\n");
}

const FIRST_LOAD_BYTES_MAX = 60_000;

describe.skipIf(browserPath === null)("the dashboard", () => {
  let browser: Browser;
  let cluster: EmbeddedCluster;
  let page: Page;
  /** What went wrong in the page, and what it asked other hosts for. */
  let faults: string[];

  beforeAll(async () => {
    cluster = await EmbeddedCluster.start(2);
    browser = await launchBrowser(browserPath ?? "");
  });
  afterAll(async () => {
    await browser?.close();
    await cluster?.stop();
  });

  beforeEach(async () => {
    ({ page, faults } = await openWatchedPage(browser, cluster.pageUrl));
  });
  afterEach(async () => {
    await page.context().close();
    expect(faults).toEqual([]);
  });

  test("loads small, whole, and from the gateway alone", async () => {
    let bytes = 0;
    page.on("requestfinished", async (request) => {
      if (!new URL(request.url()).pathname.startsWith("/ui")) return;
      const { responseHeadersSize, responseBodySize } = await request.sizes();
      bytes += responseHeadersSize + responseBodySize;
    });
    await page.goto(cluster.pageUrl, { waitUntil: "load" });
    await page.waitForSelector('.link[data-connected="true"]');
    expect(await page.locator("[data-engine]").count()).toBe(3);
    expect(await page.locator(".chart canvas").count()).toBe(3);
    expect(bytes).toBeGreaterThan(10_000);
    expect(bytes).toBeLessThan(FIRST_LOAD_BYTES_MAX);
  });

  test("shows the cluster as it changes", async () => {
    await page.goto(cluster.pageUrl);
    const numbers = page.locator(".engines");
    await numbers.waitFor();
    const seen = new Set<string>();
    while (seen.size < 4) seen.add(await numbers.innerText());
  });

  test("streams an answer in the playground, by keyboard, with the decision behind it", async () => {
    await page.goto(cluster.pageUrl);
    await page.getByLabel("Prompt").fill("Name three colours.");
    await page.getByLabel("Tokens at most").fill("120");
    await page.getByLabel("Prompt").press("Control+Enter");
    const answer = page.locator(".answer");
    await page.locator('.answer[data-state="streaming"]:not(:empty)').waitFor();
    await page.locator('.answer[data-state="done"]').waitFor();
    expect((await answer.innerText()).length).toBeGreaterThan(20);
    expect(await page.locator(".headers").innerText()).toMatch(/small|medium|large/);
    await page.getByRole("button", { name: "Why this one?" }).click();
    const dialog = page.getByRole("dialog");
    await dialog.locator(".candidates tbody tr").nth(2).waitFor();
    expect(await dialog.locator(".candidates tbody tr").count()).toBe(3);
    expect(await dialog.innerText()).toMatch(/Why (small|medium|large)\?/);
    expect(await dialog.innerText()).toContain("chosen");
  });

  test("opens a decision by keyboard and gives the focus back", async () => {
    await page.goto(cluster.pageUrl);
    const first = page.locator("[data-request] button").first();
    await first.waitFor();
    const row = await page.locator("[data-request]").first().getAttribute("data-request");
    const button = page.locator(`[data-request="${row}"] button`);
    await button.press("Enter");
    await page.getByRole("dialog").locator("h2").waitFor();
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(await page.locator(`[data-request="${row}"] button:focus`).count()).toBe(1);
  });

  test("shows the requests of a key only to that key", async () => {
    const asked = await fetch(`${cluster.apiUrl}/chat/completions`, {
      method: "POST",
      headers: { authorization: "Bearer secret", "x-chimera-workflow-id": "of-the-key" },
      body: JSON.stringify({
        model: "small",
        max_tokens: 5,
        messages: [{ role: "user", content: "Hello." }],
      }),
    });
    await asked.text();
    await page.goto(cluster.pageUrl);
    await page.locator("[data-request]").first().waitFor();
    expect(await page.getByText("of-the-key").count()).toBe(0);
    await page.getByLabel("API key").fill("secret");
    await page.getByLabel("API key").press("Enter");
    await page.getByText("of-the-key").waitFor();
    expect(await page.locator("[data-request]").count()).toBe(1);
  });

  test("fits on a phone", async () => {
    await page.setViewportSize({ width: 390, height: 844 });
    await page.goto(cluster.pageUrl);
    await page.locator("[data-request]").first().waitFor();
    const width = await page.evaluate<number>("document.documentElement.scrollWidth");
    expect(width).toBe(390);
  });

  test("turns a killed engine red", async () => {
    await page.goto(cluster.pageUrl);
    await page.locator('[data-engine="medium"][data-state="live"]').waitFor();
    cluster.kill("medium");
    const killedMs = performance.now();
    await page.locator('[data-engine="medium"][data-state="dead"]').waitFor();
    process.stdout.write(`red ${Math.round(performance.now() - killedMs)} ms after the kill\n`);
    expect(await page.locator('[data-engine="medium"] .pill').innerText()).toBe("dead");
    expect(await page.locator(".tiles").innerText()).toContain("2 / 3");
  });

  test("says that the gateway is gone", async () => {
    await page.goto(cluster.pageUrl);
    await page.waitForSelector('.link[data-connected="true"]');
    await cluster.stop();
    await page.waitForSelector('.link[data-connected="false"]');
    expect(await page.locator("main").getAttribute("data-stale")).toBe("true");
    // The browser itself reports the requests that failed.
    faults = [];
  });
});
